export { CollateralKeeper, type CollateralKeeperOptions, type KeepingSummary } from './collateral-keeper';
export { type Family, isDue, type Piece, type PieceKind, piecesOf } from './pieces';
export { type RunningRegistrar, startRegistrar } from './start';
