// Draws the report from `results`, by charts.js.
'use strict';

const COLORS = {
  scratch: '#8a8f98', frozen: '#2f7d4f', fine_tuned: '#2b6cb0', fine_tuned_at_once: '#8fb8e0', missing_as_no: '#c0612b',
  shared_width1: '#7fb996', shared_width2: '#2f7d4f', shared_width4: '#1a5232', separate: '#2b6cb0',
  shared_missing_as_no: '#c0612b', shared_fully_labelled: '#6b4fa0',
};
const NAMES = {
  scratch: 'from scratch', frozen: 'frozen backbone', fine_tuned: 'adapted', fine_tuned_at_once: 'fine-tuned at once', missing_as_no: 'missing counted as no',
  shared_width1: 'one network, width 1', shared_width2: 'one network, width 2', shared_width4: 'one network, width 4',
  separate: 'four networks, width 1', shared_missing_as_no: 'one, missing as no', shared_fully_labelled: 'one, fully labelled',
};

subtitle();
const at20 = results.attributes['20'];
tiles([
  [figure(100 * results.pretrain.test_accuracy, 1) + ' %', 'test accuracy after pre-training'],
  [figure(at20.frozen.hamming[0]), `share of wrong answers from 20 labelled pictures (from scratch: ${figure(at20.scratch.hamming[0])})`],
  [figure(at20.missing_as_no.hamming[0]), 'the same, had missing counted as no'],
  [figure(results.serve.p50_us, 1) + ' µs', 'per prediction in the JVM, median'],
  [grouped(results.serve.bytes_per_call), 'bytes allocated per prediction'],
]);

curves('pretrain_loss', results.curves.pretrain_loss, 'epoch', 'cost');
curves('pretrain_accuracy', results.curves.pretrain_accuracy, 'epoch', 'accuracy');

const attributeNames = Object.keys(results.attribute_classes);
table('attribute_table', ['question', 'yes for'], attributeNames.map((name) => [name, results.attribute_classes[name].join(', ')]));
againstSizes('attribute_hamming', results.attributes, 'hamming', 'labelled pictures', 'Hamming loss');
againstSizes('attribute_auc', results.attributes, 'macro_auc', 'labelled pictures', 'macro AUC');
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
