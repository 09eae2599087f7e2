// Writes dashboards/*.json; with --check, only tells which of them would change.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { finished } from './board.js';
import { fleet } from './fleet.js';
import { relay } from './relay.js';

const FOLDER = join(__dirname, '..', 'dashboards');

const check = process.argv.includes('--check');
for (const built of [fleet(), relay()].map((board) => finished(board.build()))) {
  const file = join(FOLDER, `${built.uid}.json`);
  const text = `${JSON.stringify(built, null, 2)}\n`;
  if (!check) {
    writeFileSync(file, text);
  } else if (readFileSync(file, 'utf8') !== text) {
    console.error(`${file} is not what its generator makes: run \`make dashboards\``);
    process.exitCode = 1;
  }
}
