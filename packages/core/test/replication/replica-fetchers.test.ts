import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReplicaFetchers } from '@odradek/core/replication/replica-fetchers.ts';
import type { Partition } from '@odradek/core/replication/partition.ts';
import { SILENT } from '../log/log-world.ts';
import { leadershipOf, NODE, world } from './replica-world.ts';
import { ScriptedLink } from './scripted-peer.ts';

function scene(fetchersPerLeader = 1) {
  const here = world();
  const links: { leaderId: number; link: ScriptedLink }[] = [];
  const fetchers = new ReplicaFetchers({
    nodeId: NODE,
    peers: {
      link: (leaderId) => {
        const link = new ScriptedLink();
        links.push({ leaderId, link });
        return link;
      },
    },
    clock: here.time,
    timers: here.time,
    log: SILENT,
    brokerEpoch: () => -1,
    settings: () => ({
      waitMaxMs: 500,
      minBytes: 1,
      maxBytes: 10_000,
      partitionMaxBytes: 1_000,
      backoffMs: 1_000,
      timeoutMs: 30_000,
    }),
    fetchersPerLeader: () => fetchersPerLeader,
    progressed: () => {},
  });
  const lead = (index: number, leader: number, leaderEpoch: number): Partition => {
    const change = { leader, leaderEpoch, partitionEpoch: leaderEpoch, replicas: [NODE, 2, 3] };
    here.replicas.applyLeadership([leadershipOf(index, change)]);
    return here.replicas.partition('t', index)!;
  };
  const open = () => links.filter(({ link }) => !link.isClosed).map(({ leaderId }) => leaderId);
  return { fetchers, lead, links, open };
}

test('one link for each leader, closed when nothing is followed there any more', () => {
  const { fetchers, lead, open } = scene();
  fetchers.follow(lead(0, 2, 1));
  fetchers.follow(lead(1, 2, 1));
  assert.deepEqual(open(), [2]);
  fetchers.follow(lead(0, 3, 2));
  assert.deepEqual(open(), [2, 3]);
  fetchers.follow(lead(1, 3, 2));
  assert.deepEqual(open(), [3]);
  fetchers.close();
  assert.deepEqual(open(), []);
  fetchers.follow(lead(0, 2, 3));
  assert.deepEqual(open(), [], 'a word of the controller that comes late');
});

test('F06: a new epoch of the same leader is followed anew, over the same link', () => {
  const { fetchers, lead, links } = scene();
  fetchers.follow(lead(0, 2, 1));
  links[0]!.link.fetch().answer({ 0: {} });
  fetchers.follow(lead(0, 2, 2));
  assert.equal(links.length, 1);
  const { link } = links[0]!;
  link.fetch().answer({});
  assert.equal(link.fetch().request.topics[0]!.partitions[0]!.currentLeaderEpoch, 2);
});

test('without a leader, or when led here, nothing is fetched', () => {
  const { fetchers, lead, open } = scene();
  fetchers.follow(lead(0, 2, 1));
  fetchers.follow(lead(0, -1, 2));
  assert.deepEqual(open(), []);
  fetchers.follow(lead(1, NODE, 1));
  assert.deepEqual(open(), []);
});

test('num.replica.fetchers: partitions are spread over several links to one leader', () => {
  const { fetchers, lead, links } = scene(2);
  for (let index = 0; index < 4; index++) fetchers.follow(lead(index, 2, 1));
  assert.equal(links.length, 2);
  const asked = links.map(({ link }) => {
    link.fetch().answer({});
    return Object.keys(link.fetch().offsets).length;
  });
  assert.deepEqual(asked, [1, 1], 'the second partition of each is named in the second request');
});
