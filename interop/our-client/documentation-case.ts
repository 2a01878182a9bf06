// Examples of the documentation that only some brokers can serve; the others are run by the client's own tests.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Producer } from '@odradek/client/index.ts';
import { endTxnApi } from '@odradek/protocol/generated/apis/end-txn.ts';
import { shareFetchApi } from '@odradek/protocol/generated/apis/share-fetch.ts';
import { projectDirectory } from '../../scripts/kafka-jars.ts';
import type { Target } from '../targets/target.ts';
import type { Case } from './case.ts';

async function run(page: string, mark: string, target: Target): Promise<void> {
  const pattern = new RegExp(`\`\`\`ts ${mark}\n([\\s\\S]*?)\`\`\``, 'g');
  const blocks = [...readFileSync(join(projectDirectory, page), 'utf8').matchAll(pattern)].map(
    (match) => match[1]!,
  );
  assert.ok(blocks.length > 0, `${page} has no example marked ${mark}`);
  for (const block of blocks) {
    const program = `const bootstrapServers = '${target.bootstrap}';\n${block}`;
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '--eval', program],
      { cwd: import.meta.dirname, stdio: ['ignore', 'ignore', 'pipe'], timeout: 60_000 },
    );
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    const [exitCode] = (await once(child, 'close')) as [number];
    assert.equal(exitCode, 0, errors);
  }
}

export const documentationCases: readonly Case[] = [
  {
    name: 'the example of transactions in docs/client.md',
    needs: endTxnApi,
    run: async (target) => {
      const producer = new Producer({ bootstrapServers: target.bootstrap });
      await producer.send({ topic: 'orders', value: Buffer.from('lamp') });
      await producer.close();
      await run('docs/client.md', 'transactions', target);
    },
  },
  {
    name: 'the example of docs/share-groups.md',
    needs: shareFetchApi,
    run: (target) => run('docs/share-groups.md', 'share-groups', target),
  },
];
