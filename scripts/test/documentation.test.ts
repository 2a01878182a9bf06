// The examples of the documentation, word for word, with the output that stands below them. Those of a page run one
// after the other on one broker, whose address they find in `bootstrapServers`.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { startBroker } from '@odradek/broker';
import { markdownExamples } from '../markdown-examples.ts';

const DOCS = resolve(import.meta.dirname, '../../docs');
const AS_A_PROGRAM = ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '--eval'];
const execute = promisify(execFile);

for (const page of globSync('**/*.md', { cwd: DOCS }).toSorted()) {
  const examples = markdownExamples(readFileSync(resolve(DOCS, page), 'utf8'));
  if (examples.length === 0) continue;
  test(`the examples of docs/${page} print what the page says`, { timeout: 60_000 }, async () => {
    const broker = await startBroker({ port: 0, overrides: { 'group.initial.rebalance.delay.ms': '0' } });
    try {
      for (const { program, output } of examples) {
        assert.equal(await outputOf(program, broker.bootstrapServers), output, program);
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
