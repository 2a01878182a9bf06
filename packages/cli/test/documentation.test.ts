// The examples of the documentation, word for word.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { startBroker } from '@odradek/broker';

const ROOT = resolve(import.meta.dirname, '../../..');
const MAIN = join(ROOT, 'packages/cli/bin/odradek.js');

test('the examples of docs/command-line.md work, one after the other', async () => {
  const text = readFileSync(join(ROOT, 'docs/command-line.md'), 'utf8');
  const blocks = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1]!);
  assert.ok(blocks.length > 5);
  const folder = mkdtempSync(join(tmpdir(), 'odradek-docs-'));
  const broker = await startBroker({ port: 0 });
  try {
    const command = join(folder, 'odradek');
    writeFileSync(command, `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`);
    chmodSync(command, 0o755);
    const shell = spawn('sh', ['-e', '-c', blocks.join('\n')], {
      cwd: folder,
      env: {
        ...process.env,
        PATH: `${folder}:${process.env['PATH']}`,
        ODRADEK_BOOTSTRAP_SERVER: broker.bootstrapServers,
      },
    });
    let output = '';
    let errors = '';
    shell.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    shell.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    const [exitCode] = (await once(shell, 'close')) as [number];
    assert.equal(exitCode, 0, errors);
    for (const line of errors.trimEnd().split('\n')) assert.match(line, /^Sent \d records? to /);
    assert.match(output, /^apple costs 1\.20\npear costs 0\.90\npear costs \(deleted\)\n/m);
    assert.match(output, /"headers":\[\{"key":"source","value":"shell"\}\]/);
    assert.match(output, /Nothing is changed yet; --execute does it\./);
    assert.match(output, /Deleted topic orders-copy\./);
  } finally {
    await broker.close();
    rmSync(folder, { recursive: true });
  }
});
