export { NOTHING_USED } from './engine';
export type { Engine, EngineEvent, EngineHealth, EngineModel, EngineRequest, EngineUsage } from './engine';
export { EngineError } from './errors';
export type { EngineErrorCode, OpenAiErrorBody } from './errors';
export { LlamaCppEngine } from './llama-cpp';
export type { LlamaCppOptions } from './llama-cpp';
export { OpenAiCompatibleEngine } from './openai-compatible';
export type { OpenAiCompatibleOptions } from './openai-compatible';
