// ControlledShutdown: a broker that is about to stop asks the controller to have others lead its partitions. The answer
// names those that nobody else can lead.
//
// v2 tells the broker's epoch (KIP-380), v3 is flexible.
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { controlledShutdownApi } from '@odradek/protocol/generated/apis/controlled-shutdown.ts';
import type { ControlledShutdownRequest } from '@odradek/protocol/generated/controlled-shutdown-request.ts';
import type { ControlledShutdownResponseInput } from '@odradek/protocol/generated/controlled-shutdown-response.ts';
import type { Handler } from './handler.ts';

export const controlledShutdownHandler: Handler<ControlledShutdownRequest, ControlledShutdownResponseInput> =
  {
    api: controlledShutdownApi,
    versionMin: 0,
    versionMax: 3,

    async handle({ brokerId, brokerEpoch }, context) {
      const { errorCode, remaining } = await context.broker.topics.relieve({ brokerId, brokerEpoch });
      return {
        // What Kafka says of a controller that is none any more.
        errorCode: errorCode === ErrorCode.NOT_CONTROLLER ? ErrorCode.STALE_CONTROLLER_EPOCH : errorCode,
        remainingPartitions: remaining.map(({ topic, partition }) => ({
          topicName: topic,
          partitionIndex: partition,
        })),
      };
    },

    failed(_request, errorCode) {
      return { errorCode, remainingPartitions: [] };
    },
  };
