// Draws the report from `results`; echarts and results are defined before this script.
'use strict';

const COLORS = {
  scratch: '#8a8f98', frozen: '#2f7d4f', fine_tuned: '#2b6cb0', fine_tuned_at_once: '#8fb8e0', missing_as_no: '#c0612b',
  shared_width1: '#7fb996', shared_width2: '#2f7d4f', shared_width4: '#1a5232', separate: '#2b6cb0',
  shared_missing_as_no: '#c0612b', shared_fully_labelled: '#6b4fa0',
};
const NAMES = {
  scratch: 'from scratch', frozen: 'frozen backbone', fine_tuned: 'fine-tuned, head first', fine_tuned_at_once: 'fine-tuned at once', missing_as_no: 'missing counted as no',
  shared_width1: 'one network, width 1', shared_width2: 'one network, width 2', shared_width4: 'one network, width 4',
  separate: 'four networks, width 1', shared_missing_as_no: 'one, missing as no', shared_fully_labelled: 'one, fully labelled',
};
const element = (id) => document.getElementById(id);
const figure = (value, digits = 3) => (value === null || value === undefined ? '–' : value.toFixed(digits));
const spread = (pair, digits = 3) => `${figure(pair[0], digits)} ± ${figure(pair[1], digits)}`;
const grouped = (n) => n.toLocaleString('en-US');

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

function againstLabels(id, measure, axis) {
  const sizes = Object.keys(results.attributes);
  const arms = Object.keys(results.attributes[sizes[0]]);
  const series = arms.flatMap((arm, k) => {
    const at = sizes.map((size, i) => [i + 0.04 * (k - (arms.length - 1) / 2), ...results.attributes[size][arm][measure]]);
    return [
      { type: 'line', name: NAMES[arm], color: COLORS[arm], symbolSize: 8, data: at.map((p) => [p[0], p[1]]) },
      whiskers(NAMES[arm], COLORS[arm], at)];
  });
  chart(id, {
    xAxis: {
      type: 'value', name: 'labelled pictures', nameLocation: 'middle', nameGap: 28, min: -0.4, max: sizes.length - 0.6,
      interval: 0.2, axisTick: { show: false }, splitLine: { show: false },
      axisLabel: { formatter: (x) => sizes[Math.abs(x - Math.round(x)) < 0.01 ? Math.round(x) : -1] ?? '' },
    },
    yAxis: namedAxis(axis), series,
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

element('subtitle').textContent = `${results.machine.describe} · Java ${results.machine.java} · ${results.date} · ${results.seconds_total.toFixed(0)} s in all`;
const at20 = results.attributes['20'];
element('tiles').innerHTML = [
  [figure(100 * results.pretrain.test_accuracy, 1) + ' %', 'test accuracy after pre-training'],
  [figure(at20.frozen.hamming[0]), `share of wrong answers from 20 labelled pictures (from scratch: ${figure(at20.scratch.hamming[0])})`],
  [figure(at20.missing_as_no.hamming[0]), 'the same, had missing counted as no'],
  [figure(results.serve.p50_us, 1) + ' µs', 'per prediction in the JVM, median'],
  [grouped(results.serve.bytes_per_call), 'bytes allocated per prediction'],
].map(([big, small]) => `<div class="tile"><b>${big}</b><span>${small}</span></div>`).join('');

curves('pretrain_loss', results.curves.pretrain_loss, 'epoch', 'cost');
curves('pretrain_accuracy', results.curves.pretrain_accuracy, 'epoch', 'accuracy');

const attributeNames = Object.keys(results.attribute_classes);
table('attribute_table', ['question', 'yes for'], attributeNames.map((name) => [name, results.attribute_classes[name].join(', ')]));
againstLabels('attribute_hamming', 'hamming', 'Hamming loss');
againstLabels('attribute_auc', 'macro_auc', 'macro AUC');
table('attributes', ['labelled pictures', 'way', 'Hamming loss', 'macro AUC'],
  Object.entries(results.attributes).flatMap(([size, arms]) => Object.entries(arms)
    .map(([arm, r]) => [size, NAMES[arm], spread(r.hamming), spread(r.macro_auc)])));
verdicts('attribute_verdict', results.verdicts.attributes);
curves('attribute_curves', results.curves.attribute_auc, 'step', 'AUC');
element('pictures').innerHTML = results.pictures.map((p) => `<div class="picture"><img alt="${p.name}" src="${p.png}"><b>${p.name}</b>${
  p.answers.map((a) => `<br><span class="${a.said === a.truth ? 'right' : 'wrong'}">${a.said ? '✓' : '✗'} ${a.label}</span>`).join('')}</div>`).join('');
table('unseen', ['way', 'Hamming loss on ' + results.unseen_names.join(' and ')],
  Object.entries(results.unseen_classes).map(([arm, r]) => [NAMES[arm], spread(r.hamming)]));

element('hurts_text').textContent = results.texts.hurts;
bars('hurts_chart', results.hurts, 'accuracy', 'accuracy');
const hurtRows = (title, groups) => Object.entries(groups).flatMap(([size, arms]) => Object.entries(arms)
  .map(([arm, r]) => [title, size, NAMES[arm], spread(r.accuracy)]));
table('hurts', ['transfer', 'labels', 'way', 'accuracy'], [
  ...hurtRows('five kinds of garment → the other five', results.hurts),
  ...(results.hurts_digits ? hurtRows('garments → handwritten digits', results.hurts_digits) : [])]);
verdicts('hurts_verdict', results.verdicts.hurts);

element('scenes').innerHTML = results.scenes.map((s) => `<figure><img alt="scene" src="${s.png}"><figcaption>${s.answers}</figcaption></figure>`).join('');
bars('several_chart', results.one_or_several, 'macro_auc', 'macro AUC');
table('several', ['scenes', 'networks', 'macro AUC', 'Hamming loss', 'parameters', 'training steps', 'µs per prediction'],
  Object.entries(results.one_or_several).flatMap(([size, arms]) => Object.entries(arms)
    .map(([arm, r]) => [size, NAMES[arm], spread(r.macro_auc), spread(r.hamming), grouped(r.parameters), grouped(r.steps), figure(r.predict_us, 1)])));
verdicts('several_verdict', results.verdicts.one_or_several);

table('serve', ['what', 'measured'], [
  ['probabilities after reload in a fresh process', results.serve.reload_bit_identical ? 'bit-identical' : 'different'],
  ['median per call', figure(results.serve.p50_us, 2) + ' µs'],
  ['99th percentile per call', figure(results.serve.p99_us, 2) + ' µs'],
  ['heap bytes allocated per call', grouped(results.serve.bytes_per_call)],
]);
