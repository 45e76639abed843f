/* Go's runtime wants ProcessPrng of bcryptprimitives.dll, which wine 8 lacks. */
#include <windows.h>

/* advapi32's RtlGenRandom */
BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length)
{
	return SystemFunction036(data, (ULONG)length);
}
