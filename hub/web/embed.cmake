# cmake -DROOT=DIR -DOUT=FILE.c -P embed.cmake
# Every file under ROOT as a struct web_file, in C; ETag from its bytes.
file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/*)
list(SORT files)
set(arrays "")
set(table "")
set(n 0)
foreach(name ${files})
  file(READ ${ROOT}/${name} hex HEX)
  string(LENGTH "${hex}" digits)
  math(EXPR size "${digits} / 2")
  file(SHA256 ${ROOT}/${name} sum)
  string(SUBSTRING ${sum} 0 32 sum)
  string(REGEX REPLACE "(................................)" "\\1\n"
    hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
  string(APPEND arrays
    "static const unsigned char f${n}[] = {\n${hex}0x00\n};\n")
  string(APPEND table
    "\t{ \"/${name}\", f${n}, ${size}, \"\\\"${sum}\\\"\" },\n")
  math(EXPR n "${n} + 1")
endforeach()
file(WRITE ${OUT} "#include \"web_files.h\"
${arrays}
const struct web_file web_files[] = {
${table}\t{ NULL, NULL, 0, NULL },
};
const size_t web_files_n = ${n};
")
