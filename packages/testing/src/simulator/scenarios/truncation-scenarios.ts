import type { SimulatedBroker } from '../cluster/simulated-broker.ts';
import type { Scenario } from './scenario.ts';

/** Logs that part, and how they come together again. */
export const TRUNCATION_SCENARIOS: readonly Scenario[] = [
  {
    row: 'F01',
    name: 'a follower behind the high watermark does not cut what is committed when another leads',
    brokers: 3,
    topic: { configs: { 'min.insync.replicas': '1' } },
    play: async (director) => {
      await director.sendAll(3);
      const { leader } = director;
      const [heir, last] = director.followersInOrder as [SimulatedBroker, SimulatedBroker];
      const isCommittedAt = (broker: SimulatedBroker) => director.replica(broker)!.log.highWatermark >= 4;
      director.begin(1);
      await director.until('it is committed', () => isCommittedAt(leader));
      director.stage.world.trace.note(`heard of by the last: ${isCommittedAt(last)}`);
      leader.kill();
      await director.until(
        'the last follows the heir',
        () => director.replica(last)!.leaderId === heir.nodeId,
      );
      heir.kill();
      await director.until('the last leads', () => director.isLeader(last));
      await director.passes(1_000);
    },
  },
  {
    row: 'F02',
    name: 'both replicas crash, and the one that is back first does not write another history',
    brokers: 2,
    topic: { replicationFactor: 2, configs: { 'min.insync.replicas': '1' } },
    play: async (director) => {
      await director.sendAll(3);
      const { leader } = director;
      const follower = director.followers[0]!;
      director.cut(leader, follower);
      director.beginHasty(2);
      await director.passes(100);
      leader.kill();
      follower.kill();
      director.join(leader, follower);
      await director.starts(follower);
      director.beginHasty(2);
      await director.passes(4_000);
      await director.starts(leader);
    },
  },
  {
    row: 'F03',
    name: 'two failovers with a tail each, of which the last leader has neither',
    brokers: 3,
    topic: { configs: { 'min.insync.replicas': '1', 'unclean.leader.election.enable': 'true' } },
    play: async (director) => {
      await director.sendAll(3);
      for (let failover = 0; failover < 2; failover++) {
        const { leader } = director;
        for (const other of director.followers) director.cut(leader, other);
        director.beginHasty(2 + failover);
        await director.passes(100);
        leader.kill();
        for (const other of director.brokers) if (other !== leader) director.join(leader, other);
        await director.leaderChangesFrom(leader);
      }
      director.beginHasty(1);
      await director.passes(500);
    },
  },
  {
    row: 'F05',
    name: 'nobody joins the in-sync set who has not reached the start of the leader’s epoch',
    brokers: 4,
    topic: { replicationFactor: 4, configs: { 'min.insync.replicas': '1' } },
    play: async (director) => {
      await director.sendAll(2);
      const { leader } = director;
      const [heir, sleeper, straggler] = director.followersInOrder as [
        SimulatedBroker,
        SimulatedBroker,
        SimulatedBroker,
      ];
      straggler.kill();
      await director.until('the straggler is out', () => !director.isInSync(straggler));
      await director.takeOfficeFrom(sleeper);
      director.separate(leader, straggler);
      await director.starts(straggler);
      await director.sendAll(40);
      // Two others have all of these. The heir cannot know that the sleeper has them, nor that they are committed:
      // for it the straggler has all that is.
      sleeper.pause();
      leader.stop();
      await director.until('the heir leads', () => director.isLeader(heir));
      await director.until('the straggler asks the heir', () => {
        const progress = director.replica(heir)?.followers.get(straggler.nodeId);
        return (progress?.logEndOffset ?? 0) > 0;
      });
      director.cut(heir, straggler);
      await director.passes(200);
      heir.kill();
      sleeper.kill();
      await director.passes(6_000);
    },
  },
  {
    row: 'F06',
    name: 'a follower misses an epoch, and finds the same leader in a later one',
    brokers: 3,
    play: async (director) => {
      await director.sendAll(3);
      const { leader } = director;
      const [heir, sleeper] = director.followersInOrder;
      director.cut(leader, heir!);
      director.beginHasty(3);
      await director.until(
        'the sleeper has a tail',
        () => director.logEnd(sleeper!) > director.logEnd(heir!),
      );
      sleeper!.pause();
      leader.kill();
      director.join(leader, heir!);
      await director.leaderChangesFrom(leader);
      await director.starts(leader);
      await director.until('the first leader leads again', () => director.isLeader(leader));
      sleeper!.resume();
      await director.sendAll(2);
    },
  },
  {
    row: 'F09, F10',
    name: 'a former leader with a tail that nobody else has cuts it, shows it to nobody, and counts only after that',
    brokers: 3,
    play: async (director) => {
      await director.sendAll(3);
      const { leader } = director;
      for (const other of director.followers) director.cut(leader, other);
      director.beginHasty(10);
      await director.passes(100);
      director.separate(leader, 'zookeeper');
      await director.leaderChangesFrom(leader);
      await director.passes(500);
      await director.sendAll(2);
      for (const other of director.brokers) if (other !== leader) director.join(leader, other);
      director.join(leader, 'zookeeper');
      await director.sendAll(2);
      await director.until('it is in sync', () => director.isInSync(leader));
    },
  },
  {
    row: 'F24',
    name: 'a leader that is cut off from the others still talks with clients',
    brokers: 3,
    play: async (director) => {
      await director.sendAll(3);
      const { leader } = director;
      director.isolate(leader);
      director.beginHasty(5);
      const late = director.begin(3);
      await director.leaderChangesFrom(leader);
      await director.passes(5_000);
      await director.until('what was sent with acks=all found its way', () =>
        late.every(({ outcome }) => outcome === 'ok'),
      );
    },
  },
];
