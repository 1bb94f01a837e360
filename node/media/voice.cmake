# SPDX-License-Identifier: MIT
# Processing of voices: gain, denoise, limiter, talk detection.
pkg_check_modules(SPEEXDSP REQUIRED IMPORTED_TARGET speexdsp)
include(${PROJECT_SOURCE_DIR}/cmake/rnnoise.cmake)

target_sources(sy_media PRIVATE agc.c denoise.c denoise_speex.c gain.c limit.c
	noise.c talk.c vad.c voice.c meter.c)
target_link_libraries(sy_media PRIVATE PkgConfig::SPEEXDSP)
if(TARGET sy_rnnoise)
	target_sources(sy_media PRIVATE denoise_rnnoise.c)
	target_compile_definitions(sy_media PRIVATE SY_RNNOISE)
	target_link_libraries(sy_media PRIVATE sy_rnnoise)
endif()
