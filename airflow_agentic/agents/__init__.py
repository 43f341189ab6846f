"""One plug-in per agent pattern; `propose` asks one of them and checks what it says."""
