// Charts of a page, by echarts, in the colors of the style sheet; drawn when they come into view.
'use strict';

const PALETTE = 8;
const colorNumbers = new Map();
const drawn = new Map();

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** The numbers of colors of series: one name has one color, but no two of a chart have the same. */
function colorNumbersOf(names) {
  const taken = new Set();
  return names.map((name) => {
    if (!colorNumbers.has(name)) colorNumbers.set(name, colorNumbers.size % PALETTE);
    let color = colorNumbers.get(name);
    for (let i = 0; taken.has(color) && i < PALETTE; i++) color = (color + 1) % PALETTE;
    taken.add(color);
    return color;
  });
}

const colorsOf = (names) => colorNumbersOf(names).map((color) => style(`--c${color}`));

const short = (text, length = 28) =>
  text.length > length ? `${text.slice(0, length - 1)}…` : text;

function number(value) {
  if (value === null || value === undefined) return '–';
  if (Number.isInteger(value)) return value.toLocaleString('en-US');
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString('en-US');
  return size !== 0 && size < 0.001 ? value.toPrecision(2) : value.toFixed(size >= 100 ? 1 : 3);
}

function axis(name, more) {
  return {
    type: 'value',
    name,
    nameLocation: 'middle',
    scale: true,
    nameTextStyle: { color: style('--soft') },
    axisLine: { show: true, onZero: false, lineStyle: { color: style('--soft') } },
    axisLabel: { color: style('--soft'), hideOverlap: true },
    splitLine: { lineStyle: { color: style('--line') } },
    ...more,
  };
}

/** What all charts share; their legends are part of the page. */
function frame(more) {
  return {
    animation: false,
    backgroundColor: 'transparent',
    textStyle: { color: style('--ink'), fontFamily: 'inherit' },
    grid: {
      left: 74,
      right: 22,
      top: 18,
      bottom: 46,
      containLabel: false,
      outerBoundsMode: 'none',
    },
    ...more,
  };
}

/** As many signs as have room below one of the categories. */
const room = (width, categories, least) =>
  Math.max(least, Math.floor((width - 96) / Math.max(1, categories.length) / 7.5));

const tooltip = (trigger) => ({
  trigger,
  confine: true,
  renderMode: 'richText',
  backgroundColor: style('--card'),
  borderColor: style('--line'),
  textStyle: { color: style('--ink') },
  valueFormatter: (value) => number(Array.isArray(value) ? value[value.length - 1] : value),
});

/** Whiskers from [at, low, high], shift(api) pixels to the right. */
function whiskers(name, color, data, shift) {
  return {
    type: 'custom',
    name,
    z: 5,
    tooltip: { show: false },
    itemStyle: { color },
    encode: { x: 0, y: [1, 2] },
    data: data.filter((d) => d[1] !== null && d[2] > d[1]),
    renderItem: (params, api) => {
      const [x, low] = api.coord([api.value(0), api.value(1)]);
      const high = api.coord([api.value(0), api.value(2)])[1];
      const at = x + shift(api);
      const line = (x1, y1, x2, y2) => ({
        type: 'line',
        shape: { x1, y1, x2, y2 },
        style: { stroke: color, lineWidth: 1.5, fill: null },
      });
      return {
        type: 'group',
        children: [
          line(at, high, at, low),
          line(at - 4, high, at + 4, high),
          line(at - 4, low, at + 4, low),
        ],
      };
    },
  };
}

function numbersOption(block) {
  const names = block.series.map((s) => s.name);
  const isLine = block.form === 'lines';
  const colors = colorsOf(names);
  return frame({
    tooltip: tooltip(isLine ? 'axis' : 'item'),
    xAxis: axis(block.axisX, { nameGap: 28, minInterval: block.axisX === 'epoch' ? 1 : 0 }),
    yAxis: axis(short(block.axisY, 40), { nameGap: 56 }),
    series: block.series.map((s, k) => ({
      type: isLine || s.data.length <= 2 ? 'line' : 'scatter',
      name: s.name,
      data: s.data,
      itemStyle: { color: colors[k] },
      lineStyle: { color: colors[k], width: 2 },
      symbolSize: isLine && s.data.length > 40 ? 0 : 5,
      showSymbol: true,
    })),
  });
}

function stepsOption(block, width) {
  const names = block.series.map((s) => s.name);
  const colors = colorsOf(names);
  const last = block.categories.length - 1;
  const at = (i, k) => i + 0.04 * (k - (names.length - 1) / 2);
  return frame({
    tooltip: tooltip('item'),
    xAxis: axis(block.axisX, {
      nameGap: 28,
      min: -0.4,
      max: last + 0.4,
      interval: 0.2,
      axisTick: { show: false },
      splitLine: { show: false },
      axisLabel: {
        color: style('--soft'),
        formatter: (x) =>
          Math.abs(x - Math.round(x)) < 0.01
            ? short(block.categories[Math.round(x)] ?? '', room(width, block.categories, 4))
            : '',
      },
    }),
    yAxis: axis(short(block.axisY, 40), { nameGap: 56 }),
    series: block.series.flatMap((s, k) => [
      {
        type: 'line',
        name: s.name,
        symbolSize: 8,
        itemStyle: { color: colors[k] },
        lineStyle: { color: colors[k], width: 2 },
        data: s.data.map((d, i) => [at(i, k), d[0]]),
      },
      whiskers(
        s.name,
        colors[k],
        s.data.map((d, i) => [at(i, k), d[1], d[2]]),
        () => 0,
      ),
    ]),
  });
}

function barsOption(block, width) {
  const names = block.series.map((s) => s.name);
  const colors = colorsOf(names);
  const isNarrow = width / Math.max(1, block.categories.length) < 110;
  const option = frame({
    tooltip: tooltip('axis'),
    xAxis: {
      type: 'category',
      data: block.categories,
      axisLine: { lineStyle: { color: style('--soft') } },
      axisLabel: {
        color: style('--soft'),
        interval: 0,
        rotate: isNarrow ? 38 : 0,
        formatter: (name) => short(name, isNarrow ? 14 : room(width, block.categories, 14)),
      },
    },
    yAxis: axis(short(block.axisY, 40), {
      nameGap: 56,
      min: (v) => (v.min >= 0 ? Math.max(0, Math.floor((v.min - 0.15) * 10) / 10) : v.min),
    }),
    series: block.series.flatMap((s, k) => [
      {
        type: 'bar',
        name: s.name,
        barGap: '10%',
        itemStyle: { color: colors[k] },
        data: s.data.map((d) => d[0]),
      },
      whiskers(
        s.name,
        style('--ink'),
        s.data.map((d, i) => [i, d[1], d[2]]),
        (api) => {
          const bar = (api.size([1, 0])[0] * 0.8) / (names.length + 0.1 * (names.length - 1));
          return (k - (names.length - 1) / 2) * bar * 1.1;
        },
      ),
    ]),
  });
  option.grid.bottom = isNarrow ? 92 : 34;
  return option;
}

const OPTIONS = {
  lines: numbersOption,
  scatter: numbersOption,
  steps: stepsOption,
  bars: barsOption,
};

function draw(place) {
  const former = drawn.get(place);
  if (former) former.dispose();
  const chart = echarts.init(place, null, { renderer: 'svg' });
  chart.setOption(place.option(place.clientWidth));
  drawn.set(place, chart);
}

const views = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting && !drawn.has(entry.target)) draw(entry.target);
    }
  },
  { rootMargin: '600px' },
);

const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (drawn.has(target) && target.clientWidth > 0) drawn.get(target).resize();
  }
});

/** A place for a chart; option(width) is what echarts draws. */
function chartPlace(option, label) {
  const place = document.createElement('div');
  place.className = 'chart';
  place.setAttribute('role', 'img');
  place.setAttribute('aria-label', label);
  place.option = option;
  views.observe(place);
  sizes.observe(place);
  return place;
}

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () =>
  [...drawn.keys()].forEach(draw),
);
addEventListener('beforeprint', () =>
  document.querySelectorAll('.chart').forEach((place) => place.clientWidth && draw(place)),
);
