# SPDX-License-Identifier: MIT
# cmake -DOUT=file.c -DFILES=a.lua,b.lua -P embed_lua.cmake
string(REPLACE "," ";" FILES "${FILES}")
set(c "#include \"proto/script_texts.h\"\n\nconst struct script_text script_texts[] = {\n")
foreach(f ${FILES})
	get_filename_component(name ${f} NAME_WE)
	file(READ ${f} text)
	string(REPLACE "\\" "\\\\" text "${text}")
	string(REPLACE "\"" "\\\"" text "${text}")
	string(REPLACE "\n" "\\n\"\n\t \"" text "${text}")
	string(APPEND c "\t{\"${name}\",\n\t \"${text}\"},\n")
endforeach()
string(APPEND c "\t{0, 0},\n};\n")
file(WRITE ${OUT} "${c}")
