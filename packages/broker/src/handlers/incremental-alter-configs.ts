// IncrementalAlterConfigs: sets, resets, adds to and takes from single settings; what is not named stays (KIP-339).
//
// v1 is flexible.
import { incrementalAlterConfigsApi } from '@odradek/protocol/generated/apis/incremental-alter-configs.ts';
import type { IncrementalAlterConfigsRequest } from '@odradek/protocol/generated/incremental-alter-configs-request.ts';
import type { IncrementalAlterConfigsResponseInput } from '@odradek/protocol/generated/incremental-alter-configs-response.ts';
import type { Handler } from './handler.ts';

export const incrementalAlterConfigsHandler: Handler<
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponseInput
> = {
  api: incrementalAlterConfigsApi,
  versionMin: 0,
  versionMax: 1,

  async handle(request, context) {
    const outcomes = await context.broker.configs.incrementalAlter(
      request.resources.map(({ resourceType, resourceName, configs }) => ({
        type: resourceType,
        name: resourceName,
        changes: configs.map(({ name, value, configOperation }) => ({
          name,
          value,
          operation: configOperation,
        })),
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
