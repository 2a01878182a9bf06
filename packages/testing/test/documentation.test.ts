// The examples of the documentation, word for word.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const GUIDE = resolve(import.meta.dirname, '../../../docs/testing.md');
const run = promisify(execFile);

test('the examples of docs/testing.md work', async () => {
  const blocks = [...readFileSync(GUIDE, 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1]!);
  const options = ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '--eval'];
  const outputs = await Promise.all(
    blocks.map((block) => run(process.execPath, [...options, block], { cwd: import.meta.dirname })),
  );
  assert.deepEqual(
    outputs.map(({ stdout }) => stdout),
    ['the first offset is 0\n', 'answers lost: 2\n'],
  );
});
