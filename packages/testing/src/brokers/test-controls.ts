import type { BrokerServices } from '@odradek/broker/broker-services.ts';
import type { BrokerGround } from '@odradek/broker/broker-ground.ts';
import { systemRandom } from '@odradek/broker/adapters/system-random.ts';
import { Cluster, deleteGroup, deleteTopic, listGroups, listTopics } from '@odradek/client';
import type { Random } from '@odradek/core/ports/random.ts';
import { ErrorCode, KafkaError, errorName } from '@odradek/protocol/errors.ts';
import { Faults } from '../request-faults/faults.ts';
import { faultyHandlers } from '../request-faults/faulty-handlers.ts';
import { SeededRandom } from '../seeded-random.ts';

/** What a test does to brokers that it has started, beside asking them over the protocol. */
export interface TestControls {
  /** Lets requests fail, be late, or stay without an answer. */
  readonly faults: Faults;
  /**
   * Calls the members of a group together anew, as when one has joined; they learn of it by their next heartbeat.
   *
   * @throws KafkaError GROUP_ID_NOT_FOUND
   */
  forceRebalance(groupId: string): Promise<void>;
  /**
   * As after the start, for the next test: takes all faults away and deletes all groups and topics but Kafka's
   * internal ones.
   *
   * @throws KafkaError NON_EMPTY_GROUP while a group has members: close them first
   */
  reset(): Promise<void>;
}

/** Brokers for tests are quick where Kafka's defaults make a test wait; what a test sets itself is stronger. */
export const TEST_DEFAULTS: Readonly<Record<string, string>> = {
  'group.initial.rebalance.delay.ms': '0',
  'offsets.topic.num.partitions': '1',
  'transaction.state.log.num.partitions': '1',
};

/** The controls of brokers in one process; brokers come under them when they start. */
export class ProcessControls implements TestControls {
  readonly faults: Faults;
  private readonly services = new Map<number, BrokerServices>();

  /** @param seed of chance in faults; without one it is the system's */
  constructor(seed?: number) {
    const random: Random = seed === undefined ? systemRandom : new SeededRandom(seed);
    this.faults = new Faults(random);
  }

  /** Puts the faults before a broker's handlers. */
  readonly adapt = (ground: BrokerGround): BrokerGround => ({
    ...ground,
    interpose: (handlers, services) => {
      this.services.set(services.config.brokerId, services);
      return faultyHandlers(handlers, services.config.brokerId, this.faults);
    },
  });

  bootstrapServers = '';

  async forceRebalance(groupId: string): Promise<void> {
    const codes = await Promise.all(
      [...this.services.values()].map(async ({ groups }) => {
        const { errorCode } = await groups.request({
          kind: 'rebalance-group',
          groupId,
          reason: 'a test asks for it',
        });
        return errorCode;
      }),
    );
    const code = codes.find((each) => each !== ErrorCode.NOT_COORDINATOR) ?? ErrorCode.NOT_COORDINATOR;
    if (codes.includes(ErrorCode.NONE)) return;
    throw new KafkaError(code, `group ${groupId} cannot be rebalanced: ${errorName(code)}`);
  }

  async reset(): Promise<void> {
    this.faults.clear();
    const cluster = new Cluster({ bootstrapServers: this.bootstrapServers, clientId: 'odradek-testing' });
    try {
      for (const { groupId } of await listGroups(cluster)) await deleteGroup(cluster, groupId);
      for (const { name, isInternal } of await listTopics(cluster)) {
        if (!isInternal) await deleteTopic(cluster, name);
      }
    } finally {
      await cluster.close();
    }
  }
}
