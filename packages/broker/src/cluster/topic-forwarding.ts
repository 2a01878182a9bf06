import type { TopicCreation, TopicFault } from '@odradek/core/controller/topic-request.ts';
import type { Peers } from '@odradek/core/ports/peers.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { createTopicsApi } from '@odradek/protocol/generated/apis/create-topics.ts';

export interface TopicForwardingParts {
  readonly peers: Peers;
  /** Broker id, or -1 while there is none. */
  controllerId(): number;
  /** How long a topic may take, milliseconds. */
  timeoutMs(): number;
}

/**
 * Has the controller create a topic that a client of this broker needs. Null: it made it. Its outcome is not known
 * when the connection is lost, and then the client, who asks again, finds the topic or not.
 */
export function createThroughController(
  { peers, controllerId, timeoutMs }: TopicForwardingParts,
  creation: TopicCreation,
): Promise<TopicFault | null> {
  const target = controllerId();
  if (target < 0) return Promise.resolve(notNow('There is no controller.'));
  const link = peers.link(target, 'topic creation');
  const topic = {
    name: creation.name,
    numPartitions: creation.partitionCount,
    replicationFactor: creation.replicationFactor,
    assignments: creation.assignments.map(({ partition, replicas }) => ({
      partitionIndex: partition,
      brokerIds: replicas,
    })),
    configs: [...creation.settings].map(([name, value]) => ({ name, value })),
  };
  return new Promise((resolve) => {
    const build = () => ({ topics: [topic], timeoutMs: timeoutMs() });
    link.request({ api: createTopicsApi, build, timeoutMs: timeoutMs() }, (error, answer) => {
      link.close();
      if (error !== null) return resolve(notNow(error.message));
      const outcome = answer.body.topics[0];
      if (outcome === undefined) return resolve(notNow('The controller said nothing of the topic.'));
      const { errorCode, errorMessage } = outcome;
      resolve(errorCode === ErrorCode.NONE ? null : { errorCode, errorMessage: errorMessage ?? '' });
    });
  });
}

function notNow(errorMessage: string): TopicFault {
  return { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, errorMessage };
}
