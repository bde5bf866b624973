import { identityVariables } from './identity-variables.ts';
import { kafkaVariables } from './kafka-variables.ts';
import { limitVariables } from './limit-variables.ts';
import { operationVariables } from './operation-variables.ts';
import { processVariables } from './process-variables.ts';
import type { Rows, VariableName } from './settings.ts';

/**
 * The one table of settings. From it come the reading of the environment, `.env.example` and the table in README; whoever adds
 * a variable adds it here and runs `npm run config-docs`.
 */
export const variables: Rows<VariableName> = {
  ...processVariables,
  ...kafkaVariables,
  ...identityVariables,
  ...operationVariables,
  ...limitVariables,
};

/** Every name, in the order of the documentation. */
export const variableNames: readonly VariableName[] = Object.keys(variables) as VariableName[];
