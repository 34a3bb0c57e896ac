export { CollateralKeeper, type CollateralKeeperOptions, type KeepingSummary } from './collateral-keeper';
export { type Family, isDue, type Piece, type PieceKind, piecesOf } from './pieces';
export { postPiece } from './post-piece';
export { type RunningRegistrar, startRegistrar } from './start';
