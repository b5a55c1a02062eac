// Draws the report of photographs from `results`, by charts.js.
'use strict';

const COLORS = {
  scratch: '#8a8f98', random_trunk: '#6b4fa0', frozen: '#2f7d4f', fine_tuned: '#2b6cb0', missing_as_no: '#c0612b',
};
const NAMES = {
  scratch: 'from scratch', random_trunk: 'random weights', frozen: 'frozen trunk', fine_tuned: 'fine-tuned, head first', missing_as_no: 'missing counted as no',
};

subtitle();
const sizes = Object.keys(results.scores);
const fewest = results.scores[sizes[0]];
const most = results.scores[sizes[sizes.length - 1]];
tiles([
  [figure(fewest.frozen.macro_auc[0]), `macro AUC from ${sizes[0]} photographs (from scratch: ${figure(fewest.scratch.macro_auc[0])})`],
  [figure(most.frozen.macro_auc[0]), `from ${sizes[sizes.length - 1]} (from scratch: ${figure(most.scratch.macro_auc[0])})`],
  [figure(100 * most.frozen.hamming[0], 1) + ' %', `of the answers wrong from ${sizes[sizes.length - 1]}`],
  [figure(100 * most.missing_as_no.hamming[0], 1) + ' %', 'had missing counted as no'],
]);
element('parts').textContent =
  `${results.parts.pool} to learn from, ${results.parts.validation} for validation, ${results.parts.test} for tests`;
table('questions', ['question', 'yes for'], Object.entries(results.questions).map(([name, yes]) => [name, yes.join(', ')]));
table('cuts', ['trunk up to', 'features', 'validation cost', 'macro AUC', ''],
  results.cuts.map((cut) => [cut.layer, grouped(cut.channels), spread(cut.cost), spread(cut.macro_auc), cut.chosen ? 'chosen' : '']));
againstSizes('auc', results.scores, 'macro_auc', 'labelled pictures', 'macro AUC');
againstSizes('hamming', results.scores, 'hamming', 'labelled pictures', 'Hamming loss');
table('scores', ['pictures', 'way', 'macro AUC', 'Hamming loss'],
  Object.entries(results.scores).flatMap(([size, arms]) => Object.entries(arms)
    .map(([arm, r]) => [size, NAMES[arm], spread(r.macro_auc), spread(r.hamming)])));
verdicts('verdicts', results.verdicts);
element('pictures').innerHTML = results.pictures.map((p) => `<div class="picture"><img alt="" src="${p.png}"><b>${escaped(p.name)}</b>${
  p.answers.map((a) => `<br><span class="${a.said === a.truth ? 'right' : 'wrong'}">${a.said ? '✓' : '✗'} ${a.label}</span>`).join('')}</div>`).join('');
