// Draws the report of texts from `results`, by charts.js.
'use strict';

const COLORS = { bag_of_words: '#8a8f98', frozen: '#2f7d4f', fine_tuned: '#2b6cb0', missing_as_no: '#c0612b' };
const NAMES = {
  bag_of_words: 'bag of words', frozen: 'frozen MiniLM', fine_tuned: 'fine-tuned, head first', missing_as_no: 'frozen, missing counted as no',
};

subtitle();
const sizes = Object.keys(results.scores);
const fewest = results.scores[sizes[0]];
tiles([
  [grouped(results.tagged), `packages with tags, ${results.tags} tags`],
  [figure(100 * results.known, 0) + ' %', 'of the answers are known'],
  [figure(fewest.frozen.macro_auc[0]), `macro AUC from ${sizes[0]} packages by frozen MiniLM (words: ${figure(fewest.bag_of_words.macro_auc[0])})`],
  [figure(results.embedding_seconds, 1) + ' s', `for the features of ${grouped(results.embedded)} descriptions, computed once for all heads`],
]);

table('examples', ['description', 'yes', 'no', 'blank'],
  results.examples.map((one) => [escaped(one.description), escaped(one.yes) || '–', String(one.no), String(one.blank)]));
againstSizes('auc', results.scores, 'macro_auc', 'tagged packages', 'macro AUC');
againstSizes('precision', results.scores, 'mean_precision', 'tagged packages', 'mean average precision');
table('scores', ['packages', 'way', 'macro AUC', 'mean average precision'],
  Object.entries(results.scores).flatMap(([size, arms]) => Object.entries(arms)
    .map(([arm, r]) => [grouped(Number(size)), NAMES[arm], spread(r.macro_auc), spread(r.mean_precision)])));
verdicts('verdicts', results.verdicts);
element('method').textContent = results.method;
