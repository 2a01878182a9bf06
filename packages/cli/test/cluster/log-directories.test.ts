import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { startBroker } from '@odradek/broker';
import { CommandLine } from '../support/command-line.ts';

interface Shown {
  broker: number;
  directories: { path: string; error: string | null; replicas: { partition: number; isFuture: boolean }[] }[];
}

test('replicas move between the data directories of a broker, which are shown', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-log-dirs-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const paths = [join(folder, 'a'), join(folder, 'b')] as const;
  const broker = await startBroker({ port: 0, properties: { 'log.dirs': paths.join(',') } });
  t.after(() => broker.close());
  const odradek = new CommandLine(broker.bootstrapServers);
  await odradek.output(['topics', 'create', 't', '-p', '2']);
  const show = async (): Promise<Map<string, number[]>> => {
    const told = JSON.parse(await odradek.output(['cluster', 'log-dirs', '--json'])) as Shown[];
    return new Map(
      told[0]!.directories.map(({ path, replicas }) => [path, replicas.map(({ partition }) => partition)]),
    );
  };
  assert.deepEqual([...(await show()).values()].flat().toSorted(), [0, 1]);
  await odradek.output(['cluster', 'move-log', paths[1], 't:0', 't:1', '--broker', '0']);
  while ((await show()).get(paths[1])!.length < 2 || (await show()).get(paths[0])!.length > 0) await pause(5);
  assert.match(await odradek.output(['cluster', 'log-dirs']), /t:1/);
  const refused = await odradek.run(['cluster', 'move-log', '/elsewhere', 't:0', '--broker', '0']);
  assert.equal(refused.exitCode, 1);
  assert.match(refused.stderr, /LOG_DIR_NOT_FOUND|no such log directory/);
  const unknown = await odradek.run(['cluster', 'move-log', paths[0], 't:0', '--broker', '9']);
  assert.match(unknown.stderr, /there is no broker 9, only 0/);
  const noPartition = await odradek.run(['cluster', 'move-log', paths[0], 't', '--broker', '0']);
  assert.match(noPartition.stderr, /t is no partition: name it as topic:0/);
});
