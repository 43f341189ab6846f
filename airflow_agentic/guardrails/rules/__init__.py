"""One rule per file: a pure function of a proposal and its proof."""
