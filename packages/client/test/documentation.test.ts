// The examples of the documentation, word for word.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { startBroker } from '@odradek/broker';

const GUIDE = resolve(import.meta.dirname, '../../../docs/client.md');

test('the examples of docs/client.md work, one after the other', async () => {
  const blocks = [...readFileSync(GUIDE, 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1]!);
  assert.ok(blocks.length >= 5);
  const broker = await startBroker({
    port: 0,
    overrides: { 'group.initial.rebalance.delay.ms': '0' },
  });
  let output = '';
  try {
    for (const block of blocks) output += await outputOf(block, broker.bootstrapServers);
  } finally {
    await broker.close();
  }
  assert.match(output, /^record 0 of partition 0\n0 0 \{"item":"lamp"\}\nship \{"item":"lamp"\}\n/);
  assert.match(output, /\n1 records, the next offset is 1\n/);
  assert.match(output, /'prices'/);
});

async function outputOf(program: string, bootstrapServers: string): Promise<string> {
  const withBroker = `const bootstrapServers = '${bootstrapServers}';\n${program}`;
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
