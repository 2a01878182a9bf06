// FindCoordinator: which broker coordinates a group.
//
// v1 adds the key type and a message, v3 is flexible, v4 asks for several at once (KIP-699), v5 is for
// transactions (KIP-890), v6 for share groups (KIP-932). Transactions and share groups are not served here, which
// the answer says.
import { ErrorCode, errorName } from '@odradek/protocol/errors.ts';
import { findCoordinatorApi } from '@odradek/protocol/generated/apis/find-coordinator.ts';
import type { FindCoordinatorRequest } from '@odradek/protocol/generated/find-coordinator-request.ts';
import type {
  FindCoordinatorResponseCoordinatorInput,
  FindCoordinatorResponseInput,
} from '@odradek/protocol/generated/find-coordinator-response.ts';
import type { Handler, RequestContext } from './handler.ts';

const GROUP = 0;
const TRANSACTION = 1;
const BATCHED_FROM = 4;

export const findCoordinatorHandler: Handler<FindCoordinatorRequest, FindCoordinatorResponseInput> = {
  api: findCoordinatorApi,
  versionMin: 0,
  versionMax: 6,

  async handle(request, context) {
    const keys = context.apiVersion >= BATCHED_FROM ? request.coordinatorKeys : [request.key];
    const coordinators: FindCoordinatorResponseCoordinatorInput[] = [];
    for (const key of keys) coordinators.push(await find(request.keyType, key, context));
    return toVersion(coordinators, context);
  },

  failed(request, errorCode, context) {
    const keys = context.apiVersion >= BATCHED_FROM ? request.coordinatorKeys : [request.key];
    return toVersion(
      keys.map((key) => notFound(key, errorCode, errorName(errorCode))),
      context,
    );
  },
};

async function find(
  keyType: number,
  key: string,
  context: RequestContext,
): Promise<FindCoordinatorResponseCoordinatorInput> {
  if (keyType !== GROUP) return notFound(key, ErrorCode.INVALID_REQUEST, whyNotServed(keyType));
  const nodeId = await context.broker.groups.coordinatorFor(key);
  const broker = context.broker.metadata
    .brokers(context.listenerName)
    .find((candidate) => candidate.nodeId === nodeId);
  if (broker === undefined) {
    return notFound(key, ErrorCode.COORDINATOR_NOT_AVAILABLE, 'the coordinator is not available');
  }
  const { host, port } = broker;
  return { key, nodeId: broker.nodeId, host, port, errorCode: ErrorCode.NONE, errorMessage: null };
}

function whyNotServed(keyType: number): string {
  if (keyType === TRANSACTION) return 'transactions are not served by this broker';
  return `coordinators of key type ${keyType} are not served by this broker, only groups (0)`;
}

function notFound(
  key: string,
  errorCode: number,
  errorMessage: string,
): FindCoordinatorResponseCoordinatorInput {
  return { key, nodeId: -1, host: '', port: -1, errorCode, errorMessage };
}

function toVersion(
  coordinators: readonly FindCoordinatorResponseCoordinatorInput[],
  context: RequestContext,
): FindCoordinatorResponseInput {
  if (context.apiVersion >= BATCHED_FROM) return { coordinators };
  const { nodeId, host, port, errorCode, errorMessage } = coordinators[0]!;
  return { nodeId, host, port, errorCode, errorMessage };
}
