import type { ExchangeObserver } from '@odradek/client/index.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import { produceApi } from '@odradek/protocol/generated/apis/produce.ts';
import type { MetadataResponse } from '@odradek/protocol/generated/metadata-response.ts';
import type { ProduceResponse } from '@odradek/protocol/generated/produce-response.ts';

export interface ProduceAnswer {
  /** -1 when records keep their own timestamps. */
  readonly logAppendTimeMs: number;
  readonly logStartOffset: number;
}

const UNKNOWN: ProduceAnswer = { logAppendTimeMs: -1, logStartOffset: -1 };

/** What brokers last said of each partition written to, beside where the records are: KafkaJS's results tell it. */
export class ProduceAnswers {
  private readonly names = new Map<string, string>();
  private readonly answers = new Map<string, ProduceAnswer>();

  readonly observe: ExchangeObserver = ({ apiKey, response }) => {
    if (response === null) return;
    if (apiKey === metadataApi.key) this.noteNames(response as MetadataResponse);
    else if (apiKey === produceApi.key) this.noteAnswers(response as ProduceResponse);
  };

  of(topic: string, partition: number): ProduceAnswer {
    return this.answers.get(`${topic} ${partition}`) ?? UNKNOWN;
  }

  private noteNames({ topics }: MetadataResponse): void {
    for (const { name, topicId } of topics) if (name !== null) this.names.set(topicId, name);
  }

  private noteAnswers({ responses }: ProduceResponse): void {
    for (const { name, topicId, partitionResponses } of responses) {
      const topic = name === '' ? this.names.get(topicId) : name;
      for (const { index, logAppendTimeMs, logStartOffset } of partitionResponses) {
        this.answers.set(`${topic} ${index}`, { logAppendTimeMs, logStartOffset });
      }
    }
  }
}
