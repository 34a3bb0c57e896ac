export { GatewayError, type GatewayErrorCode } from './errors';
export { type RunningGateway, startGateway } from './start';
