import { encodeConfigChange, topicEntity } from '@odradek/broker/config/config-tree.ts';
import { encodeConfigNode } from '@odradek/core/controller/config-node.ts';
import { treePaths } from '@odradek/core/controller/tree-paths.ts';
import { ANY_VERSION } from '@odradek/core/ports/coordination.ts';
import type { Director } from './director.ts';
import type { Scenario } from './scenario.ts';

/** Who is in sync, and what follows from it. */
export const IN_SYNC_SCENARIOS: readonly Scenario[] = [
  {
    row: 'F25',
    name: 'the high watermark waits until the controller has taken a follower out of the in-sync set',
    brokers: 3,
    topic: { configs: { 'min.insync.replicas': '1' } },
    play: async (director) => {
      await director.sendAll(3);
      await director.makeAnotherTheController();
      const { leader } = director;
      // Its wishes do not reach the controller: the tree still names the others.
      for (const other of director.followers) director.separate(leader, other);
      const sent = director.begin(2);
      await director.passes(7_000);
      if (sent.some(({ outcome }) => outcome === 'ok')) {
        director.stage.problems.add('acknowledged-too-early', 'while the in-sync set was not written');
      }
      leader.kill();
      await director.leaderChangesFrom(leader);
    },
  },
  {
    row: 'F28',
    name: 'a replica that stops in order does not come back into the in-sync set by its last fetch',
    brokers: 3,
    topic: { configs: { 'min.insync.replicas': '1' } },
    play: async (director) => {
      await director.sendAll(3);
      const [leaving] = director.followers;
      const { leader } = director;
      leaving!.stop();
      director.begin(5);
      await director.until('it has stopped', () => !leaving!.isUp);
      leader.kill();
      await director.leaderChangesFrom(leader);
      await director.passes(1_000);
      await director.sendAll(2);
    },
  },
  {
    row: 'F33',
    name: 'the last replica standing loses its power: accepted, as in Kafka, and noticed',
    brokers: 3,
    play: async (director) => {
      await director.sendAll(20);
      const { leader } = director;
      for (const follower of director.followers) follower.kill();
      await director.until('it is alone', () => director.replica(leader)?.isr.length === 1);
      leader.losePower();
      for (const other of director.brokers) if (other !== leader) await director.starts(other);
      await director.starts(leader);
      await director.until('it leads', () => director.isLeader(leader));
      const end = director.logEnd(leader);
      director.stage.world.trace.note(`of 20 acknowledged records ${end} are left`);
    },
  },
  {
    row: 'F35',
    name: 'a leader that loses its power and is back at once does not lead what it has lost',
    brokers: 3,
    play: async (director) => {
      await director.sendAll(20);
      await director.makeAnotherTheController();
      const { leader } = director;
      leader.losePower();
      leader.start();
      await director.leaderChangesFrom(leader);
      await director.sendAll(3);
      await director.until('it is in sync', () => director.isInSync(leader));
    },
  },
  {
    row: 'F71',
    name: 'where an unclean leader is allowed while nobody leads, one leads at once',
    brokers: 3,
    topic: { configs: { 'min.insync.replicas': '1' } },
    play: async (director) => {
      await director.sendAll(3);
      const { leader } = director;
      const [heir, other] = director.followers;
      heir!.kill();
      other!.kill();
      await director.until('it is alone', () => director.replica(leader)?.isr.length === 1);
      leader.kill();
      await director.starts(heir!);
      await director.until('it is the controller', () => director.controllerIsNot(leader));
      await director.passes(4_000);
      if (director.isLeader(heir!))
        director.stage.problems.add('in-sync-set-changed', 'though nobody allowed it');
      allowUncleanLeader(director, 'orders');
      await director.until('it leads', () => director.isLeader(heir!));
      await director.sendAll(2);
    },
  },
  {
    row: 'F39',
    name: 'where nobody sends, nobody leaves the in-sync set',
    brokers: 3,
    play: async (director) => {
      await director.sendAll(1);
      const epoch = director.replica(director.leader)!.heldEpochs.partitionEpoch;
      await director.passes(15_000);
      if (director.replica(director.leader)!.heldEpochs.partitionEpoch !== epoch) {
        director.stage.problems.add('in-sync-set-changed', 'though nothing happened');
      }
    },
  },
];

/** Written and announced as a broker does that is asked for it. */
function allowUncleanLeader(director: Director, topic: string): void {
  const settings = new Map([
    ['min.insync.replicas', '1'],
    ['unclean.leader.election.enable', 'true'],
  ]);
  const path = treePaths.topicConfig(topic);
  director.writeTree([
    { type: 'set', path, data: encodeConfigNode(settings), version: ANY_VERSION },
    {
      type: 'create',
      path: `${treePaths.configChanges}/config_change_`,
      data: encodeConfigChange(topicEntity(topic)),
      mode: 'persistent-sequential',
    },
  ]);
}
