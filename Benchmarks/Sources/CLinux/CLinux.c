// SwiftPM wants a C target to have a source file; everything is in the header.
#include "CLinux.h"
