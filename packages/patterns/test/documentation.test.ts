// The examples of the documentation, word for word, with the output that stands below them.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { startBroker, type RunningBroker } from '@odradek/broker';

const PAGES = resolve(import.meta.dirname, '../../../docs/patterns');
const EXAMPLE = /```ts\n([\s\S]*?)```(?:\n\n```text\n([\s\S]*?)```)?/g;

let broker: RunningBroker;

before(async () => {
  broker = await startBroker({ port: 0, overrides: { 'group.initial.rebalance.delay.ms': '0' } });
});

after(() => broker.close());

for (const page of globSync('*.md', { cwd: PAGES }).toSorted()) {
  const examples = [...readFileSync(resolve(PAGES, page), 'utf8').matchAll(EXAMPLE)];
  if (examples.length === 0) continue;
  test(`the examples of ${basename(page)} print what the page says`, async () => {
    for (const [, program, expected] of examples) {
      assert.equal(await outputOf(program!), expected ?? '');
    }
  });
}

async function outputOf(program: string): Promise<string> {
  const withBroker = `const bootstrapServers = '${broker.bootstrapServers}';\n${program}`;
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '--eval', withBroker],
    { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const [exitCode] = (await once(child, 'close')) as [number];
  assert.equal(exitCode, 0, `${program}\n${errors}`);
  assert.equal(errors, '');
  return output;
}
