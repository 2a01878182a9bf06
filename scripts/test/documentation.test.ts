// The examples of the documentation, word for word, with the output that stands below them. Those of a page run one
// after the other on one broker, whose address they find in `bootstrapServers`. An example with a word behind its
// language (```ts transactions) needs more than such a broker, and is not run here.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { startBroker } from '@odradek/broker';

const DOCS = resolve(import.meta.dirname, '../../docs');
const EXAMPLE = /```ts\n([\s\S]*?)```(?:\n\n```text\n([\s\S]*?)```)?/g;
const AS_A_PROGRAM = ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '--eval'];
const execute = promisify(execFile);

for (const page of globSync('**/*.md', { cwd: DOCS }).toSorted()) {
  const examples = [...readFileSync(resolve(DOCS, page), 'utf8').matchAll(EXAMPLE)];
  if (examples.length === 0) continue;
  test(`the examples of docs/${page} print what the page says`, { timeout: 60_000 }, async () => {
    const broker = await startBroker({ port: 0, overrides: { 'group.initial.rebalance.delay.ms': '0' } });
    try {
      for (const [, program, expected] of examples) {
        assert.equal(await outputOf(program!, broker.bootstrapServers), expected ?? '', program);
      }
    } finally {
      await broker.close();
    }
  });
}

async function outputOf(program: string, bootstrapServers: string): Promise<string> {
  const withBroker = `const bootstrapServers = '${bootstrapServers}';\n${program}`;
  const { stdout, stderr } = await execute(process.execPath, [...AS_A_PROGRAM, withBroker], {
    cwd: import.meta.dirname,
  });
  assert.equal(stderr, '', program);
  return stdout;
}
