// DescribeCluster: id, controller and brokers of the cluster, and what the client may do with it (KIP-700).
//
// v1 asks for brokers or controllers (KIP-919); a cluster of brokers has no separate controllers to ask for. v2 can
// include fenced brokers (KIP-1073), of which there are none here.
import { ErrorCode, errorMessage } from '@odradek/protocol/errors.ts';
import { describeClusterApi } from '@odradek/protocol/generated/apis/describe-cluster.ts';
import type { DescribeClusterRequest } from '@odradek/protocol/generated/describe-cluster-request.ts';
import type { DescribeClusterResponseInput } from '@odradek/protocol/generated/describe-cluster-response.ts';
import { ALL_CLUSTER_OPERATIONS, NOT_ASKED } from './authorized-operations.ts';
import type { Handler } from './handler.ts';

const ENDPOINT_TYPE_FROM = 1;
const BROKERS = 1;
const CONTROLLERS = 2;

export const describeClusterHandler: Handler<DescribeClusterRequest, DescribeClusterResponseInput> = {
  api: describeClusterApi,
  versionMin: 0,
  versionMax: 2,

  handle(request, context) {
    const { apiVersion, listenerName, broker } = context;
    const endpointType = apiVersion >= ENDPOINT_TYPE_FROM ? request.endpointType : BROKERS;
    if (endpointType === CONTROLLERS)
      return this.failed(request, ErrorCode.MISMATCHED_ENDPOINT_TYPE, context);
    if (endpointType !== BROKERS) return this.failed(request, ErrorCode.UNSUPPORTED_ENDPOINT_TYPE, context);
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      endpointType,
      clusterId: broker.metadata.clusterId,
      controllerId: broker.metadata.controllerId,
      brokers: broker.metadata.brokers(listenerName).map(({ nodeId, host, port, rack }) => ({
        brokerId: nodeId,
        host,
        port,
        rack,
        isFenced: false,
      })),
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
        ? ALL_CLUSTER_OPERATIONS
        : NOT_ASKED,
    };
  },

  failed(_request, errorCode) {
    return {
      throttleTimeMs: 0,
      errorCode,
      errorMessage: errorMessage(errorCode),
      clusterId: '',
      controllerId: -1,
      brokers: [],
      clusterAuthorizedOperations: NOT_ASKED,
    };
  },
};
