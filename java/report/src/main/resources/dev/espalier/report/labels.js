// Cards of labels: curves, a threshold to move, and examples.
'use strict';

/** An element with a class, attributes and children; texts become text, never markup. */
function el(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name === 'class') made.className = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

const figureOf = (option, caption) =>
  el('figure', null, chartPlace(option, caption), el('figcaption', null, caption));

/** Curves in a unit square; the point marks where the threshold stands. */
function unitCurve(x, y, curve, point, axes) {
  return () =>
    frame({
      tooltip: tooltip('item'),
      xAxis: axis(axes[0], { nameGap: 26, min: 0, max: 1 }),
      yAxis: axis(axes[1], { nameGap: 42, min: 0, max: 1 }),
      series: [
        ...(curve === 'diagonal'
          ? [
              {
                type: 'line',
                data: [
                  [0, 0],
                  [1, 1],
                ],
                symbolSize: 0,
                silent: true,
                lineStyle: { color: style('--soft'), type: 'dashed', width: 1 },
              },
            ]
          : []),
        {
          type: 'line',
          data: x
            .map((value, i) => [value, y[i]])
            .filter((p) => Number.isFinite(p[0]) && Number.isFinite(p[1])),
          symbolSize: 0,
          lineStyle: { color: style('--c0'), width: 2 },
        },
        {
          id: 'at',
          type: 'scatter',
          data: point() ? [point()] : [],
          symbolSize: 12,
          itemStyle: { color: style('--c2') },
        },
      ],
    });
}

function reliability(bins, error) {
  const most = Math.max(1, ...bins.map((bin) => bin.count));
  return figureOf(
    () =>
      frame({
        tooltip: tooltip('item'),
        xAxis: axis('probability', { nameGap: 26, min: 0, max: 1 }),
        yAxis: axis('share that is so', { nameGap: 42, min: 0, max: 1 }),
        series: [
          {
            type: 'line',
            data: [
              [0, 0],
              [1, 1],
            ],
            symbolSize: 0,
            silent: true,
            lineStyle: { color: style('--soft'), type: 'dashed', width: 1 },
          },
          {
            type: 'line',
            data: bins.map((bin) => [bin.probability, bin.share, bin.count]),
            itemStyle: { color: style('--c1') },
            lineStyle: { color: style('--c1') },
            symbolSize: (value) => 5 + 13 * Math.sqrt(value[2] / most),
          },
        ],
      }),
    `Reliability: expected calibration error ${number(error)}. Larger points, more examples.`,
  );
}

const ratio = (part, whole) => (whole > 0 ? part / whole : null);

/** The threshold slider with what follows from it, and the curves that it moves on. */
function thresholds(card) {
  const { threshold, yes, no } = card.ranked;
  const recall = yes.map((count) => ratio(count, card.yes));
  const falseRate = no.map((count) => ratio(count, card.no));
  const precision = yes.map((count, i) => ratio(count, count + no[i]));
  const kept = card.threshold ?? 0.5;
  let at = Math.max(
    0,
    threshold.findLastIndex((value) => value >= kept),
  );
  const curves = [];
  if (card.yes > 0 && card.no > 0) {
    curves.push([
      figureOf(
        unitCurve(falseRate, recall, 'diagonal', () => [falseRate[at], recall[at]], [
          'false positive rate',
          'recall',
        ]),
        `ROC: area ${number(card.auc)}`,
      ),
      () => [falseRate[at], recall[at]],
    ]);
  }
  if (card.yes > 0) {
    curves.push([
      figureOf(
        unitCurve(
          recall,
          precision,
          '',
          () => (precision[at] === null ? null : [recall[at], precision[at]]),
          ['recall', 'precision'],
        ),
        `Precision and recall: average precision ${number(card.average_precision)}`,
      ),
      () => (precision[at] === null ? null : [recall[at], precision[at]]),
    ]);
  }
  const slider = el('input', {
    type: 'range',
    min: 0,
    max: threshold.length - 1,
    step: 1,
    value: at,
    'aria-label': `threshold of ${card.label}`,
  });
  const values = {};
  const list = el(
    'dl',
    null,
    ['threshold', 'said yes', 'precision', 'recall', 'F1', 'false positives', 'missed'].map(
      (name) => {
        values[name] = el('dd');
        return el('div', null, el('dt', null, name), values[name]);
      },
    ),
  );
  const show = () => {
    const set = (name, value) => {
      values[name].textContent = number(value);
    };
    values.threshold.textContent = at === 0 ? 'above all' : number(threshold[at]);
    set('said yes', yes[at] + no[at]);
    set('precision', precision[at]);
    set('recall', recall[at]);
    set('F1', ratio(2 * yes[at], yes[at] + no[at] + card.yes));
    set('false positives', no[at]);
    set('missed', card.yes - yes[at]);
    for (const [curve, point] of curves) {
      const chart = drawn.get(curve.firstChild);
      if (chart) chart.setOption({ series: [{ id: 'at', data: point() ? [point()] : [] }] });
    }
  };
  slider.addEventListener('input', () => {
    at = Number(slider.value);
    show();
  });
  show();
  const words =
    card.threshold === undefined
      ? 'What if it counted from a probability on:'
      : `The network keeps ${number(card.threshold)}: ` +
        `${number(card.found)} found, ${number(card.false)} false. Move it:`;
  return [
    el(
      'div',
      { class: 'thirds' },
      curves.map((pair) => pair[0]),
      reliability(card.reliability, card.expected_calibration_error),
    ),
    el('div', { class: 'threshold' }, el('div', { class: 'soft' }, words), slider, list),
  ];
}

/** The color of what speaks for the answer, or against it, as strongly as -1 to 1 says. */
const tint = (effect) => {
  const strength = (0.65 * Math.abs(effect)).toFixed(2);
  return `background: rgba(var(--${effect > 0 ? 'for' : 'against'}), ${strength})`;
};

/** What speaks for the answer and what against it, laid over a picture. */
function seen(grid, parts) {
  const most = Math.max(1e-9, ...parts.map(Math.abs));
  const layer = el('div', {
    class: 'seen',
    style: `grid-template: repeat(${grid}, 1fr) / repeat(${grid}, 1fr)`,
  });
  for (const part of parts) {
    layer.append(
      el('span', {
        style: tint(part / most),
      }),
    );
  }
  return layer;
}

function markedWords(words) {
  const most = Math.max(1e-9, ...words.map((word) => Math.abs(word.effect)));
  return words.flatMap(({ word, effect }) => [
    el(
      'mark',
      {
        style: tint(effect / most),
        title: number(effect),
      },
      word,
    ),
    ' ',
  ]);
}

function picture(url, over = null, alt = '') {
  const image = el('img', { src: url, alt });
  image.addEventListener('load', () => {
    if (image.naturalWidth < 100) image.classList.add('small');
  });
  return el('div', { class: 'picture' }, image, over);
}

function examples(entries) {
  const isWide = entries.some((entry) => entry.text !== undefined || entry.parts);
  return el(
    'div',
    { class: `examples${isWide ? ' wide' : ''}` },
    entries.map((entry) =>
      el(
        'div',
        { class: 'example' },
        entry.picture
          ? el(
              'div',
              { class: 'pictures' },
              picture(entry.picture),
              entry.parts ? picture(entry.picture, seen(entry.grid, entry.parts)) : null,
            )
          : null,
        entry.text !== undefined
          ? el('p', null, entry.words ? markedWords(entry.words) : short(entry.text, 600))
          : null,
        el('div', { class: 'soft' }, entry.name),
        el('div', { class: 'wrong' }, `said ${entry.said}`),
        el('div', null, `is ${entry.known}`),
      ),
    ),
  );
}

function card(data, isOpen) {
  const counts = `${number(data.yes)} yes, ${number(data.no)} no, ${number(data.blank)} blank`;
  const summary = el(
    'summary',
    null,
    data.label,
    ' ',
    el('span', null, `${counts} · AUC ${number(data.auc)}, F1 ${number(data.f1)}`),
  );
  const made = el('details', null, summary);
  const fill = () => {
    if (made.childElementCount > 1) return;
    if (data.yes + data.no === 0)
      made.append(el('p', { class: 'soft' }, 'Nobody labelled it here: nothing to measure.'));
    else made.append(...thresholds(data));
    if (data.wrong.length > 0) {
      const isSeen = data.wrong.some((entry) => entry.parts || entry.words);
      made.append(el('h4', null, 'Wrong, and the most sure'), examples(data.wrong));
      if (isSeen)
        made.append(
          el(
            'p',
            { class: 'soft' },
            `Red parts speak for ${
              data.threshold === undefined ? 'the class that it said' : `“${data.label}”`
            }, blue ones against it: what covering them takes from the logit.`,
          ),
        );
    }
  };
  made.addEventListener('toggle', fill);
  if (isOpen) {
    fill();
    made.open = true;
  }
  return made;
}
