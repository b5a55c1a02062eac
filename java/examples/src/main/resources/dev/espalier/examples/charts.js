// Tables and charts of a page; echarts, and the page's COLORS and NAMES of arms, are defined elsewhere.
'use strict';

const element = (id) => document.getElementById(id);
const figure = (value, digits = 3) => (value === null || value === undefined ? '–' : value.toFixed(digits));
const spread = (pair, digits = 3) => `${figure(pair[0], digits)} ± ${figure(pair[1], digits)}`;
const grouped = (n) => n.toLocaleString('en-US');

/** Text from outside as it stands in a page. */
const escaped = (text) => text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]);

function table(id, header, rows) {
  const cells = (row, tag) => row.map((cell) => `<${tag} class="${/^[\p{L}]/u.test(cell) ? 'words' : ''}">${cell}</${tag}>`).join('');
  element(id).innerHTML = `<table><tr>${cells(header, 'th')}</tr>${rows.map((row) => `<tr>${cells(row, 'td')}</tr>`).join('')}</table>`;
}

function verdicts(id, lines) {
  element(id).innerHTML = lines
    .map((line) => `<div class="verdict${line.expected ? '' : ' against'}">${line.text}</div>`).join('');
}

function chart(id, option) {
  const drawn = echarts.init(element(id), null, { renderer: 'svg' });
  drawn.setOption({ animation: false, grid: { left: 64, right: 20, top: 64, bottom: 44 }, legend: { top: 4 }, ...option });
  window.addEventListener('resize', () => drawn.resize());
}

/** A whisker of one standard deviation at each [x, mean, sd], shift(api) pixels to the right. */
function whiskers(name, color, data, shift = () => 0) {
  return {
    type: 'custom', name, itemStyle: { color }, z: 5, tooltip: { show: false },
    renderItem: (params, api) => {
      const [x, low] = api.coord([api.value(0), api.value(1)]);
      const high = api.coord([api.value(0), api.value(2)])[1];
      const at = x + shift(api);
      const style = { stroke: color, lineWidth: 1.5, fill: null };
      const line = (x1, y1, x2, y2) => ({ type: 'line', shape: { x1, y1, x2, y2 }, style });
      return { type: 'group', children: [
        line(at, high, at, low), line(at - 5, high, at + 5, high), line(at - 5, low, at + 5, low)] };
    },
    data: data.map(([x, mean, deviation]) => [x, mean - deviation, mean + deviation]),
    encode: { x: 0, y: [1, 2] },  // the axis has room for both ends
  };
}

/** A line for each arm through its [mean, deviation] at each size; groups[size][arm][measure]. */
function againstSizes(id, groups, measure, axisX, axisY) {
  const sizes = Object.keys(groups);
  const arms = Object.keys(groups[sizes[0]]);
  const series = arms.flatMap((arm, k) => {
    const at = sizes.map((size, i) => [i + 0.04 * (k - (arms.length - 1) / 2), ...groups[size][arm][measure]]);
    return [
      { type: 'line', name: NAMES[arm], color: COLORS[arm], symbolSize: 8, data: at.map((p) => [p[0], p[1]]) },
      whiskers(NAMES[arm], COLORS[arm], at)];
  });
  chart(id, {
    xAxis: {
      type: 'value', name: axisX, nameLocation: 'middle', nameGap: 28, min: -0.4, max: sizes.length - 0.6,
      interval: 0.2, axisTick: { show: false }, splitLine: { show: false },
      axisLabel: { formatter: (x) => sizes[Math.abs(x - Math.round(x)) < 0.01 ? Math.round(x) : -1] ?? '' },
    },
    yAxis: namedAxis(axisY), series,
  });
}

function namedAxis(name) {
  return { type: 'value', name, nameLocation: 'middle', nameGap: 46, scale: true, axisLine: { onZero: false, show: true } };
}

function bars(id, groups, measure, axis) {
  const sizes = Object.keys(groups);
  const arms = Object.keys(groups[sizes[0]]).filter((arm) => groups[sizes[0]][arm][measure]);
  const series = sizes.flatMap((size, k) => {
    const pairs = arms.map((arm) => groups[size][arm][measure]);
    return [{
      type: 'bar', name: size, barGap: '10%',
      data: pairs.map((pair, i) => ({ value: pair[0], itemStyle: { color: COLORS[arms[i]], opacity: sizes.length > 1 && k === 0 ? 0.55 : 1 } })),
      label: { show: true, position: 'insideBottom', formatter: (p) => (sizes.length > 1 ? `${size}: ` : '') + p.value.toFixed(3), rotate: 90, align: 'left', verticalAlign: 'middle', color: '#fff', fontSize: 12 },
    }, whiskers(size, '#1f2a24', pairs.map((pair, i) => [i, ...pair]), (api) => {
      const barWidth = (api.size([1, 0])[0] * 0.8) / (sizes.length + 0.1 * (sizes.length - 1));
      return (k - (sizes.length - 1) / 2) * barWidth * 1.1;
    })];
  });
  chart(id, {
    legend: { show: false }, grid: { left: 64, right: 20, top: 24, bottom: 44 },
    xAxis: { type: 'category', data: arms.map((arm) => NAMES[arm]), axisLabel: { interval: 0, fontSize: 12 } },
    yAxis: { ...namedAxis(axis), min: (v) => Math.max(0, Math.floor((v.min - 0.15) * 10) / 10) }, series,
  });
}

function curves(id, named, axisX, axisY) {
  chart(id, {
    tooltip: { trigger: 'axis' },
    xAxis: { type: 'value', name: axisX, nameLocation: 'middle', nameGap: 28 },
    yAxis: namedAxis(axisY),
    series: Object.entries(named).map(([name, points]) => ({ type: 'line', name, data: points, symbolSize: 5 })),
  });
}

/** The line below the title: machine, date and time taken. */
function subtitle() {
  element('subtitle').textContent = `${results.machine.describe} · Java ${results.machine.java} · ${results.date} · ${results.seconds_total.toFixed(0)} s in all`;
}

/** Large figures with a word below each. */
function tiles(figures) {
  element('tiles').innerHTML = figures.map(([big, small]) => `<div class="tile"><b>${big}</b><span>${small}</span></div>`).join('');
}
