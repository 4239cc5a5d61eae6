"""Names that functions of an exported file cannot have: C's own, its library's, and those that exported files define.

The library's names are those of C99 (ISO/IEC 9899:1999, annex B), which are reserved even where their header is not
included (7.1.3), with what headers and compilers add outside of strict C99.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

# ruff: noqa: SIM905 - read as texts, the words are C's own

#: Functions of <math.h>, each for double, float and long double.
_MATHEMATICS = """
acos asin atan atan2 cos sin tan acosh asinh atanh cosh sinh tanh exp exp2 expm1 frexp ilogb ldexp log log10 log1p log2
logb modf scalbn scalbln cbrt fabs hypot pow sqrt erf erfc lgamma tgamma ceil floor nearbyint rint lrint llrint round
lround llround trunc fmod remainder remquo copysign nan nextafter nexttoward fdim fmax fmin fma
gamma j0 j1 jn y0 y1 yn exp10 pow10 sincos drem significand finite scalb
""".split()
#: A name's class to the names.
_WORDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "a keyword or a macro of compilers": frozenset(
            """
            alignas alignof asm bool constexpr false nullptr static_assert thread_local true typeof typeof_unqual
            unix linux i386
            """.split()
        ),
        "a name of <math.h>": frozenset(
            [f"{name}{suffix}" for name in _MATHEMATICS for suffix in ("", "f", "l")]
            + """
            fpclassify isfinite isinf isnan isnormal signbit isgreater isgreaterequal isless islessequal islessgreater
            isunordered NAN INFINITY HUGE_VAL HUGE_VALF HUGE_VALL float_t double_t math_errhandling signgam
            """.split()
        ),
        "a name of <stdio.h>": frozenset(
            """
            remove rename tmpfile tmpnam fclose fflush fopen freopen setbuf setvbuf fprintf fscanf printf scanf snprintf
            sprintf sscanf vfprintf vfscanf vprintf vscanf vsnprintf vsprintf vsscanf fgetc fgets fputc fputs getc
            getchar gets putc putchar puts ungetc fread fwrite fgetpos fseek fsetpos ftell rewind clearerr feof ferror
            perror stdin stdout stderr FILE fpos_t size_t ssize_t off_t va_list NULL EOF BUFSIZ FILENAME_MAX FOPEN_MAX
            TMP_MAX L_tmpnam fdopen fileno popen pclose dprintf vdprintf getline getdelim ctermid getw putw tempnam
            """.split()
        ),
        "a name of C's library": frozenset(
            """
            atof atoi atol atoll strtod strtof strtold strtol strtoll strtoul strtoull rand srand calloc free malloc
            realloc abort atexit exit getenv system bsearch qsort abs labs llabs div ldiv lldiv mblen mbtowc wctomb
            mbstowcs wcstombs memcpy memmove strcpy strncpy strcat strncat memcmp strcmp strcoll strncmp strxfrm memchr
            strchr strcspn strpbrk strrchr strspn strstr strtok memset strerror strlen isalnum isalpha isblank iscntrl
            isdigit isgraph islower isprint ispunct isspace isupper isxdigit tolower toupper clock difftime mktime time
            asctime ctime gmtime localtime strftime raise signal longjmp setjmp setlocale localeconv imaxabs imaxdiv
            """.split()
        ),
        "the name of a header of C": frozenset(
            """
            assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdarg stdbool stddef
            stdint stdio stdlib string tgmath time wchar wctype
            """.split()
        ),
        "a name inside exported files": frozenset("low high mean std i k apart worst".split()),
    }
)
#: A name's class to the pattern of the names.
_PATTERNS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "a name of <stdint.h>": re.compile(
            r"u?int\w*_t|U?INT\w*_(MAX|MIN|C)|(PTRDIFF|SIG_ATOMIC|SIZE|WCHAR|WINT)_(MAX|MIN)|ptrdiff_t|wchar_t"
        ),
        "a name of <math.h>": re.compile(r"(FP|MATH|M)_\w+"),
        "a name of <stdio.h>": re.compile(r"SEEK_\w+"),
        "a name inside exported files": re.compile(r"[bhw]\d+"),
    }
)


def reserved(name: str) -> str | None:
    """Return what of C, of its library or of exported files has a name; None where nothing has it."""
    for what, words in _WORDS.items():
        if name in words:
            return what
    return next((what for what, form in _PATTERNS.items() if form.fullmatch(name)), None)
