import type { GroupMetadata, OffsetToCommit } from '@odradek/client/index.ts';
import { TOOL } from '@odradek/client/consumer/committed-offsets.ts';
import type { Admin, AdminConfig } from './admin/admin-types.ts';
import { KafkaJSAdmin } from './admin/kafkajs-admin.ts';
import type { KafkaConfig } from './config.ts';
import type { Consumer, ConsumerConfig } from './consumer/consumer-types.ts';
import { KafkaJSConsumer } from './consumer/kafkajs-consumer.ts';
import { createLogger, type Logger } from './logging.ts';
import { KafkaJSProducer } from './producer/kafkajs-producer.ts';
import type { Producer, ProducerConfig } from './producer/producer-types.ts';

/** Where a program written for KafkaJS begins. */
export class Kafka {
  private readonly config: KafkaConfig;
  private readonly rootLogger: Logger;
  /** Those that run. */
  private readonly consumers = new Set<KafkaJSConsumer>();

  constructor(config: KafkaConfig) {
    this.config = config;
    const { logLevel: level, logCreator } = config;
    this.rootLogger = createLogger({
      ...(level === undefined ? {} : { level }),
      ...(logCreator === undefined ? {} : { logCreator }),
    });
  }

  /** @throws KafkaJSNonRetriableError */
  producer(options: ProducerConfig = {}): Producer {
    return new KafkaJSProducer(
      {
        config: this.config,
        logger: this.rootLogger,
        groupMetadata: (groupId, offsets) => this.memberOf(groupId, offsets),
      },
      options,
    );
  }

  /** @throws KafkaJSNonRetriableError */
  consumer(options: ConsumerConfig): Consumer {
    return new KafkaJSConsumer(
      { config: this.config, logger: this.rootLogger, running: this.consumers },
      options,
    );
  }

  admin(options: AdminConfig = {}): Admin {
    return new KafkaJSAdmin(this.config, this.rootLogger, options);
  }

  logger(): Logger {
    return this.rootLogger;
  }

  /**
   * Whose offsets become part of a transaction. KafkaJS names the group alone, so that a member which the group has gone
   * on without can still commit; where the consumer is one of this object's, the group is told who it is (KIP-447).
   */
  private memberOf(groupId: string, offsets: readonly OffsetToCommit[]): GroupMetadata {
    for (const consumer of this.consumers) {
      const member = consumer.memberOf(groupId, offsets);
      if (member !== null) return member;
    }
    return { groupId, ...TOOL };
  }
}
