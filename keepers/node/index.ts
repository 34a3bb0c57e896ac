export { NodeError, type NodeErrorCode, NodeRefusal, type RefusalCode } from './errors';
export { commandGpuSource, type GpuSource, type NodeGpus, urlGpuSource } from './gpu-source';
export { ggufModelRoot, modelRootOf, type ModelManifest } from './model-root';
export { TOY_MODEL_ID, TOY_MODEL_PATH } from './model/toy-model';
export { configfsTsmQuoteSource, dstackQuoteSource, type QuoteSource } from './quote-source';
export { commandReportSource, type SnpEndorser } from './report-source';
export { type NodeTee, type RunningNode, startNode } from './start';
