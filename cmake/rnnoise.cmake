# SPDX-License-Identifier: MIT
# RNNoise, where it can be had: the system's library, or C made of its npm
# package (cmake/rnnoise.py), which needs npm and Debian's wabt.  Sets the
# target sy_rnnoise, or leaves it out and says so once: the engine then has
# speexdsp only.  What was made is kept in build/rnnoise for every preset; a
# failed attempt is not repeated until that folder is removed.

pkg_check_modules(RNNOISE QUIET IMPORTED_TARGET rnnoise)
if(RNNOISE_FOUND)
	add_library(sy_rnnoise INTERFACE)
	target_compile_definitions(sy_rnnoise INTERFACE SY_RNNOISE_SYSTEM)
	target_link_libraries(sy_rnnoise INTERFACE PkgConfig::RNNOISE)
	return()
endif()

set(dir ${PROJECT_SOURCE_DIR}/build/rnnoise)
find_program(SY_WASM2C wasm2c)
find_program(SY_NPM npm)
find_program(SY_PYTHON3 python3)
find_path(SY_WASM_RT wasm-rt.h)

# What another version of the script made, or failed to make, is no use.
file(SHA256 ${PROJECT_SOURCE_DIR}/cmake/rnnoise.py made_by)
if(EXISTS ${dir} AND NOT EXISTS ${dir}/${made_by})
	file(REMOVE_RECURSE ${dir})
endif()
if(EXISTS ${dir}/failed)
	return()
endif()
file(MAKE_DIRECTORY ${dir})
file(TOUCH ${dir}/${made_by})

set(why "")
if(NOT CMAKE_SIZEOF_VOID_P EQUAL 8)
	set(why "it needs the address space of a 64-bit machine")
elseif(NOT SY_WASM2C OR NOT SY_WASM_RT OR NOT SY_PYTHON3)
	set(why "wabt or python3 is missing (deploy/deps)")
elseif(NOT EXISTS ${dir}/rnnoise.c)
	if(NOT SY_NPM)
		set(why "npm is missing")
	else()
		execute_process(COMMAND ${SY_PYTHON3}
			${PROJECT_SOURCE_DIR}/cmake/rnnoise.py ${dir}
			RESULT_VARIABLE bad ERROR_VARIABLE why)
		if(bad AND why STREQUAL "")
			set(why "cmake/rnnoise.py: ${bad}")
		endif()
	endif()
endif()

# Another wabt may write other C.
if(why STREQUAL "" AND NOT DEFINED SY_RNNOISE_COMPILES)
	set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
	try_compile(SY_RNNOISE_COMPILES ${CMAKE_BINARY_DIR}/rnnoise-try
		SOURCES ${PROJECT_SOURCE_DIR}/node/media/rnnoise_wasm.c
		CMAKE_FLAGS
		"-DINCLUDE_DIRECTORIES=${dir};${PROJECT_SOURCE_DIR};${SY_WASM_RT}"
		COMPILE_DEFINITIONS -D_GNU_SOURCE
		OUTPUT_VARIABLE SY_RNNOISE_LOG)
	unset(CMAKE_TRY_COMPILE_TARGET_TYPE)
	if(NOT SY_RNNOISE_COMPILES)
		message(STATUS "${SY_RNNOISE_LOG}")
	endif()
endif()
if(why STREQUAL "" AND NOT SY_RNNOISE_COMPILES)
	set(why "what this wasm2c writes does not compile with ours")
endif()
if(NOT why STREQUAL "")
	string(STRIP "${why}" why)
	file(WRITE ${dir}/failed "${why}\n")
	message(WARNING "Without RNNoise: ${why}. To try again: rm -r ${dir}")
	return()
endif()

# Not our code: no warnings, and no sanitizer (it would only be slow: every
# access of it stays within its own memory).
add_library(sy_rnnoise STATIC ${dir}/rnnoise.c
	${PROJECT_SOURCE_DIR}/node/media/rnnoise_linear.c
	${PROJECT_SOURCE_DIR}/node/media/rnnoise_wasm.c)
target_compile_options(sy_rnnoise PRIVATE -O3 -g -w)
target_compile_definitions(sy_rnnoise PRIVATE _GNU_SOURCE)
target_include_directories(sy_rnnoise PRIVATE ${dir} ${PROJECT_SOURCE_DIR}
	${SY_WASM_RT})
target_link_libraries(sy_rnnoise PUBLIC m Threads::Threads)
