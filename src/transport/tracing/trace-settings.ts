// Trace settings
//
// Whether and how traces are made, out of the variables that every OpenTelemetry program knows:
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
// The exporter itself reads those of the endpoint (headers, time limit, compression).

import { ConfigError } from '../../config.js';

export interface TraceSettings {
  /** Of the traces that begin here, so many are followed; 0 to 1. */
  readonly ratio: number;
  readonly serviceName: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Undefined where nobody wants traces. Throws ConfigError for variables that say nothing sensible. */
export function traceSettings(environment: Environment): TraceSettings | undefined {
  const endpoint = environment.OTEL_EXPORTER_OTLP_ENDPOINT ?? '';
  if (endpoint === '' || environment.OTEL_SDK_DISABLED === 'true') return undefined;
  if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol)) {
    throw wrong('OTEL_EXPORTER_OTLP_ENDPOINT', 'must be an http or https URL');
  }
  const text = environment.OTEL_TRACES_SAMPLER_ARG ?? '';
  const ratio = text === '' ? 1 : Number(text);
  if (!(ratio >= 0 && ratio <= 1)) throw wrong('OTEL_TRACES_SAMPLER_ARG', 'must be a number from 0 to 1');
  return { ratio, serviceName: environment.OTEL_SERVICE_NAME || 'troupe' };
}

function wrong(key: string, problem: string): ConfigError {
  return new ConfigError([{ key, problem, source: 'environment' }]);
}
