// Draws the page from `results`: sections of blocks, each by the function of its kind.
'use strict';

/** A text whose parts between two backquotes are code. */
const prose = (text) =>
  text
    .split(/(`[^`]+`)/)
    .map((part) => (/^`[^`]+`$/.test(part) ? el('code', null, part.slice(1, -1)) : part));

function cell(value, tag = 'td') {
  const isNumber =
    typeof value === 'number' || value === null || /^[-−+]?[\d.,]+( |$|%)/.test(value);
  return el(
    tag,
    isNumber && tag === 'td' ? { class: 'number' } : null,
    typeof value === 'string' ? value : number(value),
  );
}

const table = (header, rows) =>
  el(
    'div',
    { class: 'scroll' },
    el(
      'table',
      null,
      el(
        'tr',
        null,
        header.map((name) => cell(name, 'th')),
      ),
      rows.map((row) =>
        el(
          'tr',
          null,
          row.map((value) => cell(value)),
        ),
      ),
    ),
  );

/** A matrix of numbers with a color each, from 0 to 1. */
function heat(names, values, texts, corner) {
  return el(
    'div',
    { class: 'scroll' },
    el(
      'table',
      { class: 'heat' },
      el(
        'tr',
        null,
        el('th', null, corner),
        names.map((name) => el('th', { class: 'across', title: name }, short(name, 24))),
      ),
      names.map((name, i) =>
        el(
          'tr',
          null,
          el('th', { class: 'along' }, name),
          names.map((other, j) => {
            const value = values[i][j];
            return el(
              'td',
              {
                style:
                  value === null
                    ? ''
                    : `background: rgba(var(--heat), ${(0.75 * value).toFixed(3)})`,
                title: `${name} / ${other}`,
              },
              texts(i, j),
            );
          }),
        ),
      ),
    ),
  );
}

/** A row for each estimate, its interval on a scale that all share. */
function forest(block) {
  const ends = block.rows
    .flatMap((row) => [row.low, row.estimate, row.high])
    .concat(block.reference)
    .filter((value) => value !== null);
  let least = Math.min(...ends);
  let most = Math.max(...ends);
  const room = (most - least) * 0.04 || Math.abs(most) * 0.1 || 1;
  least -= room;
  most += room;
  const place = (value) => `${((100 * (value - least)) / (most - least)).toFixed(2)}%`;
  const range = (row) =>
    el(
      'div',
      { class: 'range' },
      block.reference === null
        ? null
        : el('i', { class: 'reference', style: `left: ${place(block.reference)}` }),
      row.low === null || row.high === null
        ? null
        : el('i', {
            class: 'whisker',
            style: `left: ${place(row.low)}; right: calc(100% - ${place(row.high)})`,
          }),
      row.estimate === null
        ? null
        : el('i', { class: 'point', style: `left: ${place(row.estimate)}` }),
    );
  const interval = (row) =>
    number(row.estimate) +
    (row.low === null || row.high === null ? '' : ` [${number(row.low)}, ${number(row.high)}]`);
  return el(
    'div',
    { class: 'forest' },
    block.rows.flatMap((row) => [
      el('div', { class: 'name' }, row.name),
      range(row),
      el('div', { class: 'figure' }, interval(row)),
      el('div', null, row.note),
    ]),
    el('div', { class: 'blank' }),
    el(
      'div',
      { class: 'scale' },
      el('span', null, number(least)),
      el('span', null, block.measure),
      el('span', null, number(most)),
    ),
    el('div', { class: 'blank' }),
    el('div', { class: 'blank' }),
  );
}

function legend(names) {
  const colors = colorNumbersOf(names);
  return names.length < 2
    ? null
    : el(
        'div',
        { class: 'legend' },
        names.map((name, i) =>
          el('span', null, el('i', { style: `background: var(--c${colors[i]})` }), short(name, 60)),
        ),
      );
}

const verdict = (text, isExpected) =>
  el('div', { class: `verdict${isExpected ? '' : ' against'}` }, text);

const KINDS = {
  text: (block) => el('p', null, prose(block.text)),
  plain: (block) => el('p', null, block.text),
  heading: (block) => el('h3', null, block.text),
  verdict: (block) => verdict(block.text, block.expected),
  figures: (block) =>
    el(
      'div',
      { class: 'figures' },
      block.entries.map((entry) =>
        el('div', null, el('b', null, entry.figure), el('span', null, entry.words)),
      ),
    ),
  table: (block) => table(block.header, block.rows),
  fold: (block) =>
    el('details', null, el('summary', null, block.title), table(block.header, block.rows)),
  charts: (block) =>
    el(
      'div',
      { class: 'side' },
      block.charts.map((chart) =>
        el(
          'figure',
          null,
          legend(chart.series.map((one) => one.name)),
          chartPlace(
            (width) => OPTIONS[chart.form](chart, width),
            `${chart.axisY} by ${chart.axisX}`,
          ),
          chart.caption ? el('figcaption', null, chart.caption) : null,
        ),
      ),
    ),
  comparison: (block) => [
    block.text ? el('p', null, block.text) : null,
    block.rows.length > 0 ? forest(block) : null,
    block.verdict ? verdict(block.verdict, true) : null,
  ],
  pictures: (block) =>
    el(
      'div',
      { class: 'examples' },
      block.entries.map((entry) =>
        el(
          'div',
          { class: 'example' },
          picture(entry.picture),
          el('b', null, entry.name),
          entry.answers.map((answer) =>
            el('div', { class: answer.right ? 'right' : 'wrong' }, answer.text),
          ),
        ),
      ),
    ),
  sheet: (block) =>
    el(
      'table',
      { class: 'sheet' },
      el(
        'tr',
        null,
        block.columns.map((name) => el('th', { scope: 'col' }, name)),
      ),
      block.rows.map((row) =>
        el(
          'tr',
          null,
          row.map((one) => el('td', { title: one.name }, picture(one.picture, null, one.name))),
        ),
      ),
    ),
  examples: (block) =>
    block.entries.length > 0 ? [el('h4', null, block.title), examples(block.entries)] : [],
  reliability: (block) =>
    el('div', { class: 'one' }, reliability(block.bins, block.expected_calibration_error)),
  confusion: (block) => {
    const sums = block.counts.map((row) => row.reduce((a, b) => a + b, 0));
    return [
      el('h4', null, 'Which class is taken for which'),
      heat(
        block.names,
        block.counts.map((row, i) => row.map((count) => (count > 0 ? count / sums[i] : null))),
        (i, j) => (block.counts[i][j] ? number(block.counts[i][j]) : ''),
        'is ↓ said →',
      ),
    ];
  },
  together: (block) => [
    el('h4', null, 'Which labels go together'),
    el(
      'p',
      { class: 'soft' },
      'Of the examples that are the label of the row, the share that are that of the column, ' +
        `where both are known; “–” where they never are.${
          block.omitted > 0
            ? ` The ${block.names.length} labels with the most known answers; ` +
              `${block.omitted} more are left out.`
            : ''
        }`,
    ),
    heat(
      block.names,
      block.shares,
      (i, j) => (block.shares[i][j] === null ? '–' : block.shares[i][j].toFixed(2)),
      'of ↓ also →',
    ),
    block.never.length > 0
      ? el(
          'p',
          null,
          `Never labelled together, so nothing can be learned of how they go together: ${block.never
            .slice(0, 20)
            .map((pair) => pair.join(' and '))
            .join('; ')}${
            block.never.length > 20 ? `; and ${block.never.length - 20} more pairs` : ''
          }.`,
        )
      : null,
  ],
  cosines: (block) => [
    el('h4', null, 'Cosines between the gradients of questions: they explain, and decided nothing'),
    heat(
      block.names,
      block.values.map((row) => row.map((value) => (value === null ? null : Math.max(0, value)))),
      (i, j) => (block.values[i][j] === null ? '–' : block.values[i][j].toFixed(2)),
      '',
    ),
  ],
  labels: (block) => [
    el('h4', null, 'One by one'),
    block.omitted > 0
      ? el(
          'p',
          { class: 'soft' },
          `The ${block.cards.length} with the most known answers; ` +
            `${block.omitted} more are in the table above.`,
        )
      : null,
    block.cards.map((data, i) => card(data, block.cards.length <= 8 || i === 0)),
  ],
};

document.title = results.title;
const main = document.getElementById('main');
main.append(el('h1', null, results.title));
if (results.subtitle) main.append(el('p', { class: 'soft' }, results.subtitle));
for (const section of results.sections) {
  const blocks = section.blocks
    .map((block) => KINDS[block.kind](block))
    .flat(2)
    .filter((made) => made !== null);
  main.append(el('section', null, section.title ? el('h2', null, section.title) : null, blocks));
}
