// SPDX-License-Identifier: Apache-2.0
(async () => {
  document.querySelectorAll('details').forEach((card) => {
    card.open = true;
  });
  await new Promise((done) => setTimeout(done, 300));
  document.querySelectorAll('.chart').forEach((place) => {
    if (!drawn.has(place)) draw(place);
  });
  await new Promise((done) => setTimeout(done, 300));
})();
