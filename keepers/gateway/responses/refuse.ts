import { GatewayError } from '../errors';

/** A field that OpenAI has and this gateway has not; the message says what to do instead. */
export function unsupported(param: string, message: string): GatewayError {
    return new GatewayError('unsupported_parameter', message, { param });
}

export function invalid(param: string, message: string): GatewayError {
    return new GatewayError('invalid_request', `'${param}' ${message}`, { param });
}
