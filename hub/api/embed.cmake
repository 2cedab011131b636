# cmake -DIN=FILE -DOUT=FILE.c -DNAME=name -P embed.cmake
# The bytes of IN as NAME_data and NAME_size, in C.
file(READ ${IN} hex HEX)
string(LENGTH "${hex}" digits)
math(EXPR size "${digits} / 2")
string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
file(WRITE ${OUT} "#include <stddef.h>
extern const unsigned char ${NAME}_data[];
extern const size_t ${NAME}_size;
const unsigned char ${NAME}_data[] = {
${hex}0x00
};
const size_t ${NAME}_size = ${size};
")
