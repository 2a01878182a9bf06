// AlterConfigs: a resource has the named settings afterwards and no others (KIP-133). IncrementalAlterConfigs took
// its place.
//
// v1 changes nothing, v2 is flexible.
import type { AlterConfigsRequest } from '@odradek/protocol/generated/alter-configs-request.ts';
import type { AlterConfigsResponseInput } from '@odradek/protocol/generated/alter-configs-response.ts';
import { alterConfigsApi } from '@odradek/protocol/generated/apis/alter-configs.ts';
import type { Handler } from './handler.ts';

export const alterConfigsHandler: Handler<AlterConfigsRequest, AlterConfigsResponseInput> = {
  api: alterConfigsApi,
  versionMin: 0,
  versionMax: 2,

  async handle(request, context) {
    const outcomes = await context.broker.configs.alter(
      request.resources.map(({ resourceType, resourceName, configs }) => ({
        type: resourceType,
        name: resourceName,
        settings: configs.map(({ name, value }) => ({ name, value })),
      })),
      request.validateOnly,
    );
    return {
      throttleTimeMs: 0,
      responses: outcomes.map(({ resource, errorCode, errorMessage }) => ({
        errorCode,
        errorMessage,
        resourceType: resource.type,
        resourceName: resource.name,
      })),
    };
  },

  failed(request, errorCode) {
    return {
      throttleTimeMs: 0,
      responses: request.resources.map(({ resourceType, resourceName }) => ({
        errorCode,
        errorMessage: null,
        resourceType,
        resourceName,
      })),
    };
  },
};
