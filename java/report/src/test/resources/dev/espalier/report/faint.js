// SPDX-License-Identifier: Apache-2.0
(() => {
  // Relative luminance and contrast of WCAG 2.1.
  const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = (color) => {
    const [r, g, b] = color.match(/[\d.]+/g).map((v) => linear(Number(v) / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const color = getComputedStyle(e).backgroundColor;
      if (!color.startsWith('rgba')) return color;
    }
    return 'rgb(255, 255, 255)';
  };
  const found = new Set();
  for (const e of document.querySelectorAll('main *')) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())) continue;
    const svg = e.closest('svg');
    const ink = svg ? getComputedStyle(e).fill : getComputedStyle(e).color;
    if (!ink.startsWith('rgb(')) continue;
    const behind = ground(svg ? svg.parentElement : e);
    const [a, b] = [light(ink), light(behind)].sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < 4.5) {
      const kind = svg ? 'svg' : e.className;
      found.add(`${e.tagName}.${kind} ${ink} on ${behind}: ${contrast.toFixed(2)}`);
    }
  }
  return [...found];
})();
