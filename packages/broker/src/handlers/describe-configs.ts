// DescribeConfigs: the settings of topics and brokers, where each value comes from, and what else could set it
// (KIP-133, KIP-226).
//
// v0 tells only whether a value is the default. v1 tells its source, and its synonyms when asked. v3 adds types and,
// when asked, documentation (KIP-569). v4 is flexible.
import { describeConfigsApi } from '@odradek/protocol/generated/apis/describe-configs.ts';
import type {
  DescribeConfigsRequest,
  DescribeConfigsRequestResource,
} from '@odradek/protocol/generated/describe-configs-request.ts';
import type {
  DescribeConfigsResponseInput,
  DescribeConfigsResponseResourceResultInput,
  DescribeConfigsResponseResultInput,
} from '@odradek/protocol/generated/describe-configs-response.ts';
import { ConfigSource } from '../config/config-resource.ts';
import type { DescribedSetting } from '../config/setting-description.ts';
import type { Handler, RequestContext } from './handler.ts';

export const describeConfigsHandler: Handler<DescribeConfigsRequest, DescribeConfigsResponseInput> = {
  api: describeConfigsApi,
  versionMin: 0,
  versionMax: 4,

  handle(request, context) {
    return {
      throttleTimeMs: 0,
      results: request.resources.map((resource) => describeResource(resource, request, context)),
    };
  },

  failed(request, errorCode) {
    return {
      throttleTimeMs: 0,
      results: request.resources.map(({ resourceType, resourceName }) => ({
        errorCode,
        errorMessage: null,
        resourceType,
        resourceName,
        configs: [],
      })),
    };
  },
};

function describeResource(
  { resourceType, resourceName, configurationKeys }: DescribeConfigsRequestResource,
  request: DescribeConfigsRequest,
  context: RequestContext,
): DescribeConfigsResponseResultInput {
  const { errorCode, errorMessage, settings } = context.broker.configs.describe(
    { type: resourceType, name: resourceName },
    configurationKeys,
  );
  return {
    errorCode,
    errorMessage,
    resourceType,
    resourceName,
    configs: settings.map((setting) => answerSetting(setting, request, context.apiVersion)),
  };
}

function answerSetting(
  setting: DescribedSetting,
  request: DescribeConfigsRequest,
  version: number,
): DescribeConfigsResponseResourceResultInput {
  return {
    name: setting.name,
    value: setting.value,
    readOnly: setting.readOnly,
    ...(version === 0
      ? { isDefault: setting.source === ConfigSource.DEFAULT }
      : { configSource: setting.source }),
    isSensitive: setting.isSensitive,
    synonyms: request.includeSynonyms ? setting.synonyms : [],
    configType: setting.type,
    documentation: request.includeDocumentation ? setting.documentation : null,
  };
}
