// SPDX-License-Identifier: Apache-2.0
(() => {
  const wide = document.documentElement.clientWidth;
  const found = [];
  const whole = document.documentElement.scrollWidth;
  if (whole > wide) found.push(`page: ${whole} of ${wide}`);
  for (const e of document.querySelectorAll('main *')) {
    if (e.closest('svg') || e.closest('.scroll, .across') || !e.getClientRects().length) continue;
    const box = e.getBoundingClientRect();
    const name = `${e.tagName}.${e.className} "${e.textContent.slice(0, 40)}"`;
    const isWider = e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0;
    if (box.right > wide + 1 || box.left < -1) {
      found.push(`${name}: ${box.left} to ${box.right} of ${wide}`);
    } else if (isWider && !e.matches('.scroll, .chart, .chart *')) {
      found.push(`${name}: ${e.scrollWidth} in ${e.clientWidth}`);
    }
  }
  for (const svg of document.querySelectorAll('.chart svg')) {
    const frame = svg.getBoundingClientRect();
    const place = svg.closest('.chart').getBoundingClientRect();
    if (frame.right > place.right + 1 || frame.bottom > place.bottom + 1) {
      found.push(
        `a chart of ${frame.width} by ${frame.height} in ${place.width} by ${place.height}`,
      );
    }
    for (const text of svg.querySelectorAll('text')) {
      const box = text.getBoundingClientRect();
      const isOut =
        box.left < frame.left - 2 ||
        box.right > frame.right + 2 ||
        box.top < frame.top - 2 ||
        box.bottom > frame.bottom + 2;
      if (box.width && isOut) {
        const [left, right] = [box.left - frame.left, box.right - frame.left];
        found.push(`text of a chart "${text.textContent}": ${left} to ${right} of ${frame.width}`);
      }
    }
  }
  return found;
})();
