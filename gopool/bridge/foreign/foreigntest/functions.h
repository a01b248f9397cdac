#include "call.h"

uintptr_t address_of_run(void);
uintptr_t address_of_cancel(void);
uintptr_t address_of_release(void);
int64_t references_of(int64_t token);
int64_t held(void);
void let_go(int open);
