// ListConfigResources: the names of what can have settings (KIP-1142).
//
// v0 is ListClientMetricsResources (KIP-714) and lists subscriptions of client metrics, of which there are none.
// v1 lists the kinds that are asked for, or all.
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { listConfigResourcesApi } from '@odradek/protocol/generated/apis/list-config-resources.ts';
import type { ListConfigResourcesRequest } from '@odradek/protocol/generated/list-config-resources-request.ts';
import type { ListConfigResourcesResponseInput } from '@odradek/protocol/generated/list-config-resources-response.ts';
import { ConfigResourceType } from '../config/config-resource.ts';
import type { Handler, RequestContext } from './handler.ts';

const ALL_TYPES: readonly number[] = Object.values(ConfigResourceType);

export const listConfigResourcesHandler: Handler<
  ListConfigResourcesRequest,
  ListConfigResourcesResponseInput
> = {
  api: listConfigResourcesApi,
  versionMin: 0,
  versionMax: 1,

  handle(request, context) {
    const types = wantedTypes(request, context.apiVersion);
    if (types.some((type) => !ALL_TYPES.includes(type))) return refused(ErrorCode.UNSUPPORTED_VERSION);
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      configResources: types.flatMap((resourceType) =>
        namesOf(resourceType, context).map((resourceName) => ({ resourceName, resourceType })),
      ),
    };
  },

  failed: (_request, errorCode) => refused(errorCode),
};

function wantedTypes(request: ListConfigResourcesRequest, apiVersion: number): readonly number[] {
  if (apiVersion === 0) return [ConfigResourceType.CLIENT_METRICS];
  return request.resourceTypes.length === 0 ? ALL_TYPES : [...new Set(request.resourceTypes)];
}

/** Log levels, groups and client metrics have no settings here. */
function namesOf(type: number, { broker, listenerName }: RequestContext): string[] {
  switch (type) {
    case ConfigResourceType.TOPIC:
      return Array.from(broker.metadata.topics(), ({ name }) => name);
    case ConfigResourceType.BROKER:
      return broker.metadata.brokers(listenerName).map(({ nodeId }) => String(nodeId));
    default:
      return [];
  }
}

function refused(errorCode: number): ListConfigResourcesResponseInput {
  return { throttleTimeMs: 0, errorCode, configResources: [] };
}
