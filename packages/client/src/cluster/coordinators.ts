import type { ApiCodec } from '@odradek/protocol/api-codec.ts';
import { ErrorCode, KafkaError, errorName } from '@odradek/protocol/errors.ts';
import type { FindCoordinatorRequestInput } from '@odradek/protocol/generated/find-coordinator-request.ts';
import type { FindCoordinatorResponse } from '@odradek/protocol/generated/find-coordinator-response.ts';
import { findCoordinatorApi } from '@odradek/protocol/generated/apis/find-coordinator.ts';
import { ConnectionError, RequestTimeoutError } from '../errors.ts';
import type { RequestBody } from '../network/connection.ts';
import type { Cluster, ClusterRequestOptions } from './cluster.ts';
import type { BrokerNode } from './metadata-cache.ts';
import { retrying } from './retrying.ts';

/** What a coordinator looks after. */
export const CoordinatorType = { GROUP: 0, TRANSACTION: 1 } as const;
export type CoordinatorType = (typeof CoordinatorType)[keyof typeof CoordinatorType];

/** After these the group or transaction has to be looked for anew. */
const MOVED: readonly number[] = [ErrorCode.NOT_COORDINATOR, ErrorCode.COORDINATOR_NOT_AVAILABLE];

/** Codes that say nothing but "later". */
const TRANSIENT: readonly number[] = [...MOVED, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS];

/** Finds the broker that coordinates one group or transactional id, and talks to it. */
export class Coordinator {
  readonly key: string;
  private readonly cluster: Cluster;
  private readonly type: CoordinatorType;
  private known: BrokerNode | null = null;
  /** Of the metadata, when it became known. */
  private beginning = 0;
  private finding: Promise<BrokerNode> | null = null;

  constructor(cluster: Cluster, type: CoordinatorType, key: string) {
    this.cluster = cluster;
    this.type = type;
    this.key = key;
  }

  /** @throws KafkaError, ConnectionError */
  find(): Promise<BrokerNode> {
    const isCurrent = this.beginning === this.cluster.metadata.beginning;
    if (this.known !== null && isCurrent) return Promise.resolve(this.known);
    this.finding ??= this.ask().finally(() => {
      this.finding = null;
    });
    return this.finding;
  }

  /** The next request looks for the coordinator anew. */
  forget(): void {
    this.known = null;
  }

  /** One request to the coordinator; forgets it when it has moved or does not answer. No retries. */
  async requestOnce<RequestInput, Response extends object>(
    api: ApiCodec<unknown, RequestInput, Response, never>,
    body: RequestBody<RequestInput>,
    errorsOf: (answer: Response) => readonly number[],
    options: ClusterRequestOptions = {},
  ): Promise<Response> {
    const node = await this.find();
    try {
      const answer = await this.cluster.request(node, api, body, { channel: 'group', ...options });
      if (errorsOf(answer).some((code) => MOVED.includes(code))) this.forget();
      return answer;
    } catch (error) {
      if (error instanceof ConnectionError || error instanceof RequestTimeoutError) this.forget();
      throw error;
    }
  }

  /** As `requestOnce`, repeated while the coordinator moves, loads or cannot be reached. */
  request<RequestInput, Response extends object>(
    api: ApiCodec<unknown, RequestInput, Response, never>,
    body: RequestBody<RequestInput>,
    errorsOf: (answer: Response) => readonly number[],
    options: ClusterRequestOptions = {},
  ): Promise<Response> {
    const { apiTimeoutMs, backoff } = this.cluster.settings;
    return retrying(this.cluster.environment, { timeoutMs: apiTimeoutMs, backoff }, async () => {
      const answer = await this.requestOnce(api, body, errorsOf, options);
      const transient = errorsOf(answer).find((code) => TRANSIENT.includes(code));
      if (transient !== undefined) throw new KafkaError(transient, `${api.name}: ${errorName(transient)}`);
      return answer;
    });
  }

  private async ask(): Promise<BrokerNode> {
    const answer = await this.cluster.requestToAny(findCoordinatorApi, (version) => this.question(version));
    const found = soleCoordinator(answer);
    if (found.errorCode !== ErrorCode.NONE) {
      throw new KafkaError(
        found.errorCode,
        found.errorMessage ?? `coordinator of "${this.key}": ${errorName(found.errorCode)}`,
      );
    }
    this.beginning = this.cluster.metadata.beginning;
    this.known = { nodeId: found.nodeId, host: found.host, port: found.port, rack: null };
    return this.known;
  }

  private question(version: number): FindCoordinatorRequestInput {
    if (version === 0) return { key: this.key };
    if (version <= 3) return { key: this.key, keyType: this.type };
    return { coordinatorKeys: [this.key], keyType: this.type };
  }
}

/** From version 4 on the answer is a list, before its fields are the answer's own. */
function soleCoordinator(answer: FindCoordinatorResponse): {
  nodeId: number;
  host: string;
  port: number;
  errorCode: number;
  errorMessage: string | null;
} {
  return answer.coordinators[0] ?? answer;
}
