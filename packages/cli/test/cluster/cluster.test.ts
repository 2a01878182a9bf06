import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { startCluster, type RunningCluster } from '@odradek/broker/start-cluster.ts';
import { Cluster, createTopic, deleteTopic, Producer } from '@odradek/client/index.ts';
import { CommandLine } from '../support/command-line.ts';

let cluster: RunningCluster;
let odradek: CommandLine;
let admin: Cluster;
let folder: string;
let planFile: string;

before(async () => {
  cluster = await startCluster({
    brokers: 3,
    properties: { 'auto.leader.rebalance.enable': 'false', 'replica.fetch.backoff.ms': '50' },
  });
  odradek = new CommandLine(cluster.bootstrapServers);
  admin = new Cluster({ bootstrapServers: cluster.bootstrapServers });
  folder = mkdtempSync(join(tmpdir(), 'odradek-cluster-'));
  planFile = join(folder, 'plan.json');
});

after(async () => {
  admin.close();
  await cluster.close();
  rmSync(folder, { recursive: true });
});

beforeEach(async () => {
  const topics = JSON.parse(await odradek.output(['topics', 'list', '--json'])) as { name: string }[];
  for (const { name } of topics) await deleteTopic(admin, name);
});

interface Described {
  controllerId: number;
  brokers: { nodeId: number; leads: number; replicas: number }[];
  partitions: number;
  awayFromPreferred: number;
  troubles: { topic: string; partition: number; trouble: string }[];
}

async function described(): Promise<Described> {
  return JSON.parse(await odradek.output(['cluster', 'describe', '--json'])) as Described;
}

async function replicasOf(topic: string): Promise<number[][]> {
  const text = await odradek.output(['topics', 'describe', topic, '--json']);
  const [told] = JSON.parse(text) as { partitions: { replicas: number[] }[] }[];
  return told!.partitions.map(({ replicas }) => replicas);
}

function writePlan(replicas: readonly (readonly number[])[], topic = 't'): string {
  const partitions = replicas.map((ids, partition) => ({ topic, partition, replicas: ids }));
  writeFileSync(planFile, JSON.stringify({ version: 1, partitions }));
  return planFile;
}

test('describe: brokers with their load, and that all is well', async () => {
  await createTopic(admin, {
    name: 't',
    assignment: [
      [0, 1],
      [1, 2],
      [0, 2],
    ],
  });
  await odradek.output(['cluster', 'check', '--wait', '20']);
  const text = await odradek.output(['cluster', 'describe']);
  assert.match(text, /^Cluster \S{22}, controller [012], topics 1, partitions 3\n/);
  assert.match(
    text,
    /\nBROKER +ADDRESS +RACK +LEADS +SHOULD LEAD +REPLICAS\n +0 +127\.0\.0\.1:\d+ +- +2 +2 +2\n/,
  );
  assert.match(text, /\nAll partitions are led and in sync\.\n$/);
  const { brokers, partitions, troubles } = await described();
  assert.deepEqual(
    brokers.map(({ nodeId, leads, replicas }) => [nodeId, leads, replicas]),
    [
      [0, 2, 2],
      [1, 1, 2],
      [2, 0, 2],
    ],
  );
  assert.deepEqual([partitions, troubles], [3, []]);
});

test('check: a broker that is needed, one that is not, and brokers that are missing', async () => {
  await createTopic(admin, { name: 'alone', assignment: [[1]] });
  await createTopic(admin, { name: 't', assignment: [[0, 1]] });
  assert.equal(
    await odradek.output(['cluster', 'check', '--wait', '20', '--without', '0']),
    'All is well.\n',
  );
  const needed = await odradek.run(['cluster', 'check', '--without', '1']);
  assert.equal(needed.exitCode, 3);
  assert.match(needed.stdout, /\nalone +0 +offline +1 +1 +1\n/);
  assert.equal(needed.stderr, 'odradek: without broker 1 1 partitions are not well\n');
  const missing = await odradek.run(['cluster', 'check', '--brokers', '4', '--json']);
  assert.equal(missing.exitCode, 3);
  assert.deepEqual(JSON.parse(missing.stdout), {
    ok: false,
    complaint: '3 brokers are there, 4 are expected',
    troubles: [],
  });
});

test('reassign: a plan is made, carried out with a throttle, and finished', async () => {
  await createTopic(admin, { name: 't', assignment: [[0], [0], [0]] });
  await odradek.output(['produce', 't', '-q'], { stdin: 'one\ntwo\nthree\n' });
  const plan = await odradek.output(['cluster', 'reassign', 'plan', '--topics', 't', '-r', '2']);
  writeFileSync(planFile, plan);
  const before = join(folder, 'before.json');
  const moved = await odradek.output([
    'cluster',
    'reassign',
    'execute',
    planFile,
    '--throttle',
    '1000000',
    '--before',
    before,
    '--wait',
    '30',
  ]);
  assert.equal(moved, 'The move of 3 partitions has begun.\nAll 3 partitions are where they were to be.\n');
  const { partitions } = JSON.parse(plan) as { partitions: { replicas: number[] }[] };
  assert.deepEqual(
    await replicasOf('t'),
    partitions.map(({ replicas }) => replicas),
  );
  const settings = await odradek.output(['configs', 'describe', '--topic', 't']);
  assert.doesNotMatch(settings, /throttled/);
  const back = await odradek.output(['cluster', 'reassign', 'execute', before, '--wait', '30']);
  assert.match(back, /All 3 partitions are where they were to be/);
  assert.deepEqual(await replicasOf('t'), [[0], [0], [0]]);
  assert.ok(existsSync(before));
  const again = await odradek.run(['cluster', 'reassign', 'execute', planFile, '--before', before]);
  assert.equal(again.exitCode, 1, 'what was written before is not written over');
  assert.match(again.stderr, /cannot write .*EEXIST/);
});

test('reassign: a move that takes long is seen, not finished yet, and taken back', async () => {
  await createTopic(admin, { name: 't', assignment: [[0]] });
  const producer = new Producer({ bootstrapServers: cluster.bootstrapServers });
  const value = Buffer.alloc(100_000, 'x');
  await Promise.all(Array.from({ length: 30 }, () => producer.send({ topic: 't', partition: 0, value })));
  await producer.close();
  writePlan([[1]]);
  const begun = await odradek.output(['cluster', 'reassign', 'execute', planFile, '--throttle', '1000']);
  assert.match(begun, /takes the throttle away: odradek cluster reassign finish /);
  assert.deepEqual(await odradek.rows(['cluster', 'reassign', 'status']), [['t', '0', '1,0', '1', '0']]);
  const unfinished = await odradek.run(['cluster', 'reassign', 'finish', planFile]);
  assert.equal(unfinished.exitCode, 3);
  assert.equal(unfinished.stderr, 'odradek: 1 of 1 partitions are still being moved\n');
  const set = JSON.parse(await odradek.output(['topics', 'describe', 't', '--json'])) as {
    configs: object;
  }[];
  assert.deepEqual(set[0]!.configs, {
    'follower.replication.throttled.replicas': '0:1',
    'leader.replication.throttled.replicas': '0:0',
  });
  assert.equal(
    await odradek.output(['cluster', 'reassign', 'cancel']),
    'The move of 1 partitions is taken back.\n',
  );
  assert.deepEqual(await replicasOf('t'), [[0]]);
  assert.equal(await odradek.output(['cluster', 'reassign', 'status']), 'Nothing is being moved.\n');
  const broker = await odradek.output(['configs', 'describe', '--broker', '0']);
  assert.doesNotMatch(broker, /throttled/);
});

test('move-leaders: a broker leads nothing any more, and does again', async () => {
  await createTopic(admin, {
    name: 't',
    assignment: [
      [0, 1, 2],
      [1, 0, 2],
      [0, 2, 1],
    ],
  });
  await odradek.output(['cluster', 'check', '--wait', '20']);
  const shown = await odradek.output(['cluster', 'move-leaders', '0']);
  assert.match(
    shown,
    /\nt +0 +0,1,2 +1,2,0\nt +2 +0,2,1 +2,1,0\nNothing is changed yet; --execute does it\.\n$/,
  );
  const file = join(folder, 'leaders.json');
  const done = await odradek.output(['cluster', 'move-leaders', '0', '--before', file, '--execute']);
  assert.match(done, /Broker 0 leads 0 partitions now\.\n$/);
  assert.equal((await described()).brokers[0]!.leads, 0);
  assert.equal((JSON.parse(readFileSync(file, 'utf8')) as { partitions: [] }).partitions.length, 2);
  await odradek.output(['cluster', 'reassign', 'execute', file, '--wait', '20']);
  assert.match(
    await odradek.output(['cluster', 'elect', '--all']),
    /^2 partitions have got another leader\.\n/,
  );
  assert.equal((await described()).brokers[0]!.leads, 2);
  assert.equal((await described()).awayFromPreferred, 0);
});

test('elect: named partitions; none that needs it is no failure', async () => {
  await createTopic(admin, {
    name: 't',
    assignment: [
      [0, 1],
      [1, 0],
    ],
  });
  assert.equal(
    await odradek.output(['cluster', 'elect', 't:0', 't']),
    '0 partitions have got another leader.\n',
  );
  const unclean = await odradek.run(['cluster', 'elect', '--unclean', 't:1']);
  assert.equal(unclean.stdout, '0 partitions have got another leader.\n');
});

test('what cannot be is refused in one line, and nothing is changed', async () => {
  await createTopic(admin, { name: 't', assignment: [[0]] });
  writePlan([[0, 9]]);
  const good = planFile;
  const broken = join(folder, 'broken.json');
  const plans: [string, RegExp][] = [
    ['nonsense', /broken\.json is no JSON/],
    ['{"version":1}', /names no partitions; expected is \{"version":1,"partitions":\[\.\.\.\]\}/],
    ['{"partitions":[{"topic":"t","partition":0}]}', /partitions\[0\]\.replicas is missing/],
    ['{"partitions":[{"topic":"t","partition":-1,"replicas":[1]}]}', /partitions\[0\]\.partition is -1/],
    ['{"partitions":[{"topic":"t","partition":0,"replicas":[1,1]}]}', /a broker is named twice/],
    ['{"partitions":[{"topic":"x","partition":0,"replicas":[1]}]}', /there is no partition x-0/],
  ];
  for (const [text, expected] of plans) {
    writeFileSync(broken, text);
    const { exitCode, stderr } = await odradek.run(['cluster', 'reassign', 'execute', broken]);
    assert.deepEqual([exitCode, stderr.trimEnd().split('\n').length], [2, 1], stderr);
    assert.match(stderr, expected);
  }
  const cases: [string[], number, RegExp][] = [
    [['elect'], 2, /name partitions, or give --all/],
    [['elect', '--all', '--unclean'], 2, /may lose records/],
    [['elect', 'missing'], 2, /there is no topic "missing"/],
    [['elect', 't:7'], 2, /t has 1 partitions, not t:7/],
    [['move-leaders', '9'], 2, /there is no broker 9/],
    [['move-leaders', '0', '--execute'], 1, /1 partitions have no other replica in sync, and stay/],
    [['reassign', 'plan', '--brokers', '7'], 2, /there is no broker 7/],
    [['reassign', 'plan', '-r', '4'], 2, /4 replicas need as many brokers; there are 3/],
    [['reassign', 'execute', join(folder, 'none.json')], 2, /cannot read .*none\.json/],
    [
      ['reassign', 'execute', good],
      1,
      /t-0: .*\(INVALID_REPLICA_ASSIGNMENT\)\nodradek: 1 partitions were refused/,
    ],
  ];
  for (const [args, exitCode, expected] of cases) {
    const refused = await odradek.run(['cluster', ...args]);
    assert.equal(refused.exitCode, exitCode, `${args.join(' ')}: ${refused.stderr}`);
    assert.match(refused.stderr, expected);
  }
  assert.deepEqual(await replicasOf('t'), [[0]]);
});
